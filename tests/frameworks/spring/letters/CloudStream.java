package letters;

import java.util.Map;
import java.util.function.Consumer;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.Message;

/** A function that Spring Cloud Stream binds to the topic, with a dead-letter queue: error.ORIGIN.GROUP.
 * It tries each record three times. */
@Configuration
@EnableAutoConfiguration
public class CloudStream {
    public static void main(String[] arguments) throws Exception {
        var application = new SpringApplication(CloudStream.class);
        application.setDefaultProperties(
                Map.of(
                        "spring.cloud.stream.kafka.binder.brokers", Program.BOOTSTRAP,
                        "spring.cloud.stream.kafka.binder.auto-create-topics", "false",
                        "spring.cloud.stream.bindings.processed-in-0.destination", Program.ORIGIN,
                        "spring.cloud.stream.bindings.processed-in-0.group", Program.GROUP,
                        "spring.cloud.stream.bindings.processed-in-0.consumer.back-off-initial-interval", "10",
                        "spring.cloud.stream.kafka.bindings.processed-in-0.consumer.enable-dlq", "true"));
        try (var context = application.run(arguments)) {
            Program.awaitEnd();
        }
    }

    @Bean
    Consumer<Message<?>> processed() {
        return message -> Program.process(message.getHeaders().get(KafkaHeaders.RECEIVED_KEY, byte[].class));
    }
}
