package letters;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.connect.cli.ConnectStandalone;

/** A standalone worker of Kafka Connect with one sink, which reports what it cannot read or process. */
public final class Connect {
    private Connect() {}

    public static void main(String[] arguments) throws Exception {
        var folder = Files.createTempDirectory("connect");
        var worker = write(
                folder.resolve("worker.properties"),
                Map.of(
                        "bootstrap.servers", Program.BOOTSTRAP,
                        "listeners", "HTTP://127.0.0.1:0",
                        "key.converter", ReadableConverter.class.getName(),
                        "value.converter", ReadableConverter.class.getName(),
                        "plugin.discovery", "service_load",
                        "offset.storage.file.filename", folder.resolve("offsets").toString()));
        var sink = write(
                folder.resolve("sink.properties"),
                Map.of(
                        "name", Program.GROUP,
                        "connector.class", Sink.class.getName(),
                        "topics", Program.ORIGIN,
                        "consumer.override.auto.offset.reset", "earliest",
                        "errors.tolerance", "all",
                        "errors.deadletterqueue.topic.name", Program.DEAD,
                        "errors.deadletterqueue.context.headers.enable", "true"));
        // Its main returns when the worker is stopped, as it is when the program exits.
        var end = new Thread(Connect::exitAtEnd);
        end.setDaemon(true);
        end.start();
        ConnectStandalone.main(new String[] {worker, sink});
    }

    private static void exitAtEnd() {
        try {
            Program.awaitEnd();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } finally {
            System.exit(0);
        }
    }

    private static String write(Path file, Map<String, String> properties) throws IOException {
        var all = new Properties();
        all.putAll(properties);
        try (var writer = Files.newBufferedWriter(file)) {
            all.store(writer, null);
        }
        return file.toString();
    }
}
