package letters;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What the programs share: their properties, and which records they cannot process. */
final class Program {
    static final String BOOTSTRAP = System.getProperty("bootstrap");
    static final String ORIGIN = System.getProperty("origin");
    static final String DEAD = System.getProperty("dead");
    static final String GROUP = System.getProperty("group");

    private Program() {}

    /** Throws for a record whose key is "fail". */
    static void process(byte[] key) {
        if (key != null && text(key).equals("fail")) {
            throw new IllegalStateException("cannot be processed");
        }
    }

    static boolean readable(byte[] data) {
        return data == null || !text(data).startsWith("unreadable");
    }

    /** Returns once whoever has started the program closes its standard input, or is gone. */
    static void awaitEnd() throws IOException {
        while (System.in.read() >= 0) {}
    }

    private static String text(byte[] data) {
        return new String(data, StandardCharsets.UTF_8);
    }
}
