import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.mapreduce.Job;
import org.apache.hadoop.mapreduce.Mapper;
import org.apache.hadoop.mapreduce.Reducer;
import org.apache.hadoop.mapreduce.lib.input.FileInputFormat;
import org.apache.hadoop.mapreduce.lib.output.FileOutputFormat;

public class Words {
    public static class Split extends Mapper<LongWritable, Text, Text, LongWritable> {
        protected void map(LongWritable at, Text line, Context context) throws IOException, InterruptedException {
            for (String word : line.toString().split("\\s+")) {
                if (word.equals("wait")) {
                    System.out.println("here");
                    Thread.sleep(300000);
                }
                context.write(new Text(word), new LongWritable(1));
            }
        }
    }

    public static class Sum extends Reducer<Text, LongWritable, Text, LongWritable> {
        protected void reduce(Text word, Iterable<LongWritable> ones, Context context)
                throws IOException, InterruptedException {
            long sum = 0;
            for (LongWritable one : ones) sum += one.get();
            context.write(word, new LongWritable(sum));
        }
    }

    public static void main(String[] args) throws Exception {
        Job job = Job.getInstance(new Configuration());
        job.setJarByClass(Words.class);
        job.setMapperClass(Split.class);
        job.setReducerClass(Sum.class);
        job.setOutputKeyClass(Text.class);
        job.setOutputValueClass(LongWritable.class);
        FileInputFormat.addInputPath(job, new Path(args[args.length - 2]));
        FileOutputFormat.setOutputPath(job, new Path(args[args.length - 1]));
        System.out.println(String.join(" ", args) + " as " + job.getConfiguration().get("mapreduce.job.name"));
        System.exit(job.waitForCompletion(true) ? 0 : 1);
    }
}
