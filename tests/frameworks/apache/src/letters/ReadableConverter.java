package letters;

import org.apache.kafka.connect.converters.ByteArrayConverter;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;

/** Reads bytes as they are, but for those that begin with "unreadable". */
public class ReadableConverter extends ByteArrayConverter {
    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
        if (!Program.readable(value)) {
            throw new DataException("not what this converter reads");
        }
        return super.toConnectData(topic, value);
    }
}
