package letters;

import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;

/** A topology that continues after what it cannot read or process, with a dead-letter queue (KIP-1034). */
public final class Streams {
    private Streams() {}

    public static void main(String[] arguments) throws Exception {
        var properties = new Properties();
        properties.putAll(
                Map.of(
                        StreamsConfig.APPLICATION_ID_CONFIG, Program.GROUP,
                        StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, Program.BOOTSTRAP,
                        StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory("streams").toString(),
                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                        StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG, Program.DEAD,
                        StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG,
                                LogAndContinueExceptionHandler.class,
                        StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG,
                                LogAndContinueProcessingExceptionHandler.class));
        var builder = new StreamsBuilder();
        builder.stream(Program.ORIGIN, Consumed.with(serde(), serde()))
                .foreach((key, value) -> Program.process(key));
        try (var streams = new KafkaStreams(builder.build(), properties)) {
            streams.start();
            Program.awaitEnd();
            streams.close(Duration.ofSeconds(20));
        }
    }

    private static Serde<byte[]> serde() {
        return Serdes.serdeFrom(
                new ByteArraySerializer(),
                new ByteArrayDeserializer() {
                    @Override
                    public byte[] deserialize(String topic, byte[] data) {
                        if (!Program.readable(data)) {
                            throw new SerializationException("not what this deserializer reads");
                        }
                        return data;
                    }
                });
    }
}
