package letters;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.support.serializer.ErrorHandlingDeserializer;

/** What the programs share: their properties, and which records they cannot process. */
final class Program {
    static final String BOOTSTRAP = System.getProperty("bootstrap");
    static final String ORIGIN = System.getProperty("origin");
    static final String GROUP = System.getProperty("group");

    private Program() {}

    /** Throws for a record whose key is "fail". */
    static void process(byte[] key) {
        if (key != null && new String(key, StandardCharsets.UTF_8).equals("fail")) {
            throw new IllegalStateException("cannot be processed");
        }
    }

    static void process(ConsumerRecord<byte[], byte[]> record) {
        process(record.key());
    }

    static ConsumerFactory<byte[], byte[]> consumers() {
        return new DefaultKafkaConsumerFactory<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, BOOTSTRAP,
                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                        // After each failure the container reads again, and would wait that long for more.
                        ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 20,
                        ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ErrorHandlingDeserializer.class,
                        ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ErrorHandlingDeserializer.class,
                        ErrorHandlingDeserializer.KEY_DESERIALIZER_CLASS, Unreadable.class,
                        ErrorHandlingDeserializer.VALUE_DESERIALIZER_CLASS, Unreadable.class));
    }

    static KafkaTemplate<byte[], byte[]> template() {
        return new KafkaTemplate<>(
                new DefaultKafkaProducerFactory<>(
                        Map.of(
                                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, BOOTSTRAP,
                                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class,
                                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class)));
    }

    /** Returns once whoever has started the program closes its standard input, or is gone. */
    static void awaitEnd() throws IOException {
        while (System.in.read() >= 0) {}
    }
}
