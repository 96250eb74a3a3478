package letters;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.annotation.EnableKafkaRetryTopic;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

/** A listener that tries again once, a second later, by way of ORIGIN-retry, and gives up to ORIGIN-dlt. */
@Configuration
@EnableKafkaRetryTopic
public class RetriedTopic {
    public static void main(String[] arguments) throws Exception {
        try (var context = new AnnotationConfigApplicationContext(RetriedTopic.class)) {
            Program.awaitEnd();
        }
    }

    @RetryableTopic(attempts = "2", autoCreateTopics = "false")
    @KafkaListener(topics = "${origin}", groupId = "${group}")
    void process(ConsumerRecord<byte[], byte[]> record) {
        Program.process(record);
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<byte[], byte[]> kafkaListenerContainerFactory() {
        var factory = new ConcurrentKafkaListenerContainerFactory<byte[], byte[]>();
        factory.setConsumerFactory(Program.consumers());
        return factory;
    }

    @Bean
    KafkaTemplate<byte[], byte[]> defaultRetryTopicKafkaTemplate() {
        return Program.template();
    }

    @Bean
    TaskScheduler scheduler() {
        return new ThreadPoolTaskScheduler();
    }
}
