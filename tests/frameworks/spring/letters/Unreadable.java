package letters;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads bytes as they are, but for those that begin with "unreadable". */
public class Unreadable extends ByteArrayDeserializer {
    @Override
    public byte[] deserialize(String topic, byte[] data) {
        if (data != null && new String(data, StandardCharsets.UTF_8).startsWith("unreadable")) {
            throw new SerializationException("not what this deserializer reads");
        }
        return data;
    }
}
