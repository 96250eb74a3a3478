package letters;

import org.springframework.kafka.listener.ConcurrentMessageListenerContainer;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.listener.MessageListener;
import org.springframework.util.backoff.FixedBackOff;

/** A listener container whose error handler publishes to ORIGIN-dlt what the listener cannot process, at once. */
public final class Recoverer {
    private Recoverer() {}

    public static void main(String[] arguments) throws Exception {
        var properties = new ContainerProperties(Program.ORIGIN);
        properties.setGroupId(Program.GROUP);
        properties.setMessageListener((MessageListener<byte[], byte[]>) Program::process);
        var container = new ConcurrentMessageListenerContainer<>(Program.consumers(), properties);
        var recoverer = new DeadLetterPublishingRecoverer(Program.template());
        container.setCommonErrorHandler(new DefaultErrorHandler(recoverer, new FixedBackOff(0, 0)));
        container.start();
        Program.awaitEnd();
        container.stop();
    }
}
