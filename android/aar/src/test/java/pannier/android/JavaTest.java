package pannier.android;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import pannier.Config;
import pannier.ConfigBuilder;
import pannier.PannierException;
import pannier.Statement;
import pannier.StatementBuilder;
import pannier.Statements;
import pannier.Verbs;

/** The app's collector from Java: futures in place of coroutines, and no nulls. */
@RunWith(RobolectricTestRunner.class)
public class JavaTest {
    private final android.app.Application app = RuntimeEnvironment.getApplication();

    private static Statement answered(String word) {
        return new StatementBuilder()
                .actor(Statements.mbox("ada@example.com"))
                .verb(Verbs.ANSWERED)
                .activity("https://example.com/words/" + word, a -> {})
                .build();
    }

    @Test
    public void recordsPostsAndDelivers() throws Exception {
        Config config = new ConfigBuilder("https://lrs.example/xAPI").build();
        Path file = AppCollector.queueFile(app);
        try (AppCollector collector =
                new AppCollector(app, config, Networks.ANY, new BackgroundSync(), true, file)) {
            assertSame(collector, AppCollector.of(app));
            collector.post(answered("zug"));
            UUID id = collector.recordAsync(answered("rad")).get(60, TimeUnit.SECONDS).getId();
            assertEquals(7, id.version());
            ExecutionException refused =
                    org.junit.Assert.assertThrows(
                            ExecutionException.class,
                            () -> collector.recordAsync(answered(" ")).get(60, TimeUnit.SECONDS));
            assertTrue(refused.getCause() instanceof PannierException.NotAccepted);
        }
    }
}
