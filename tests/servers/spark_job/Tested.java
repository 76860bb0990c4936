import java.util.Collections;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.VoidFunction;
import org.apache.spark.sql.SparkSession;

public class Tested {
    public static void main(String[] args) {
        if (args[0].equals("bad")) throw new IllegalArgumentException("no such day");
        SparkSession spark = SparkSession.builder().getOrCreate();
        System.out.println("here " + spark.range(40).count());
        if (args[0].equals("slow")) {
            JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
            context.parallelize(Collections.singletonList(300000L)).foreach((VoidFunction<Long>) Thread::sleep);
        }
        spark.stop();
    }
}
