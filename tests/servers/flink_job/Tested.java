import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
public class Tested {
    public static void main(String[] args) throws Exception {
        System.out.println("args " + String.join(",", args));
        if (args[0].equals("refuse")) throw new IllegalArgumentException("no such day");
        TableEnvironment t = TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().build());
        String rows = args[0].equals("stream") ? "" : ", 'number-of-rows' = '" + args[1] + "'";
        t.executeSql("CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100'" + rows + ")");
        t.executeSql("CREATE TABLE k (n BIGINT) WITH ('connector' = 'blackhole')");
        String what = args[0].equals("fail") ? "1 / (n - n)" : "n";
        t.executeSql("INSERT INTO k SELECT " + what + " FROM s");
    }
}
