package pannier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pannier from Java: the blocking collector, on threads of the app's own. */
class JavaTest {
    private static final String LESSON = "https://example.com/lessons/1";

    @TempDir Path folder;

    private static Config config(String endpoint) {
        return new ConfigBuilder().endpoint(endpoint).maxStatements(20).build();
    }

    @Test
    void whatABuilderIsNotToldIsTheDefault() {
        assertEquals(new Config(), new ConfigBuilder().build());
        Config config =
                new ConfigBuilder("https://lrs.example/xAPI", new Credentials.Bearer("t"))
                        .sync(new SyncPolicy.Automatic(50, Duration.ofMinutes(1)))
                        .history(HistoryPolicy.Forever.INSTANCE)
                        .writeOnly(true)
                        .deliverToMain(false)
                        .build();
        assertEquals("https://lrs.example/xAPI", config.getEndpoint());
        assertEquals(new SyncPolicy.Automatic(50, Duration.ofMinutes(1)), config.getSync());
        assertTrue(config.getWriteOnly() && !config.getAllowCleartext());
        assertEquals("Forever", config.getHistory().toString());
        assertEquals(false, config.getDeliverToMain());
    }

    @Test
    void recordsAndDelivers() throws Exception {
        Transport busy = request -> new Response(503, List.of(), new byte[0], false);
        LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
        try (BlockingCollector collector =
                BlockingCollector.open(
                        folder.resolve("queue.db").toString(),
                        config("https://lrs.example/xAPI"),
                        busy,
                        null)) {
            collector.addListener(events::add);
            Statement statement =
                    new StatementBuilder()
                            .actor(Statements.mbox("ada@example.com"), "Ada")
                            .verb(Verbs.ANSWERED)
                            .activity("https://example.com/words/zug", a -> a.name("de", "Zug"))
                            .result(
                                    r -> {
                                        r.setSuccess(true);
                                        r.score(0.8);
                                    })
                            .context(c -> c.parent("https://example.com/quiz", a -> {}))
                            .build();
            assertEquals(
                    new Statement(
                            new Actor.Agent(new Agent(new Ifi.Mbox("mailto:ada@example.com"), "Ada")),
                            Verbs.ANSWERED,
                            new StatementObject.Activity(
                                    new XapiActivity(
                                            "https://example.com/words/zug",
                                            new ActivityDefinition(Map.of("de", "Zug")))),
                            new XapiResult(new Score(0.8), true),
                            statement.getContext()),
                    statement);
            assertEquals(
                    "https://example.com/quiz",
                    statement.getContext().getContextActivities().getParent().get(0).getId());
            Recorded recorded = collector.record(statement);
            UUID id = recorded.getId();
            assertTrue(recorded.isNew());
            assertEquals(id, collector.queued(0, 50).get(0).getId());
            Event event = events.poll(10, TimeUnit.SECONDS);
            assertEquals(new Event.Recorded(List.of(id)), event);

            Ended ended = collector.sync(null).getEnded();
            Trouble trouble = ((Ended.Waiting) ended).getTrouble();
            assertEquals(Problem.BUSY, trouble.getProblem());
            assertEquals(1, collector.status().getQueued());
            assertTrue(collector.status().isHealthy() && collector.status().getUndelivered() == 1);
        }
    }

    @Test
    void deliversToSeveral() throws Exception {
        assertEquals(
                new NewUpstream("exams", "https://exams.example/xAPI"),
                new NewUpstreamBuilder("exams", "https://exams.example/xAPI").build());
        Route exams = new Route(List.of("https://example.com/exams/"));
        NewUpstream second =
                new NewUpstreamBuilder(
                                "exams", "https://exams.example/xAPI", new Credentials.Bearer("t"))
                        .route(exams)
                        .backfill(true)
                        .writeOnly(true)
                        .build();
        Transport busy = request -> new Response(503, List.of(), new byte[0], false);
        try (BlockingCollector collector =
                BlockingCollector.open(
                        folder.resolve("queue.db").toString(),
                        config("https://lrs.example/xAPI"),
                        busy,
                        null)) {
            String exam =
                    "{\"actor\":{\"mbox\":\"mailto:ada@example.com\"},"
                            + "\"verb\":{\"id\":\"https://example.com/did\"},"
                            + "\"object\":{\"id\":\"https://example.com/%s/1\"}}";
            UUID id = collector.recordJson(exam.formatted("exams")).getId();
            BlockingUpstream upstream = collector.addUpstream(second, null);
            collector.recordJson(exam.formatted("lessons"));
            assertEquals(id, upstream.queued(0, 50).get(0).getId());
            assertEquals(1, upstream.status().getQueued());
            assertEquals(exams, collector.upstreams().get(1).getRoute());
            Ended ended = upstream.sync(null).getEnded();
            assertEquals(Problem.BUSY, ((Ended.Waiting) ended).getTrouble().getProblem());
            PannierException.UpstreamNotEmpty left =
                    assertThrows(
                            PannierException.UpstreamNotEmpty.class,
                            () -> collector.removeUpstream("exams", Remainder.MUST_BE_EMPTY));
            assertEquals(1, left.getLeft());
            assertEquals(1, collector.removeUpstream("exams", Remainder.DISCARD));
            assertEquals(2, collector.status().getQueued());
        }
    }

    /** Files of this folder that this process has open. */
    private long openFiles() throws Exception {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(it -> {
                        try {
                            return Files.readSymbolicLink(it).startsWith(folder.toRealPath());
                        } catch (java.io.IOException gone) {
                            return false;
                        }
                    })
                    .count();
        }
    }

    @Test
    void aCloseEndsASyncAndWhatIsCalledAfterwardsIsTold() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answers = new CountDownLatch(1);
        Transport hangs =
                request -> {
                    asked.countDown();
                    try {
                        answers.await();
                    } catch (InterruptedException end) {
                        Thread.currentThread().interrupt();
                    }
                    return new Response(503, List.of(), new byte[0], false);
                };
        BlockingCollector collector =
                BlockingCollector.open(
                        folder.resolve("queue.db").toString(), config("https://lrs.example/xAPI"), hangs, null);
        Statement completed = new StatementBuilder().actor(Statements.mbox("ada@example.com")).completed(LESSON).build();
        Subscription subscription = collector.addListener(event -> {});
        BlockingUpstream upstream = collector.upstream("main");
        collector.record(completed);
        FutureTask<SyncReport> sync = new FutureTask<>(() -> collector.sync(Duration.ofHours(1)));
        new Thread(sync).start();
        assertTrue(asked.await(20, TimeUnit.SECONDS));
        assertTrue(openFiles() > 0);

        collector.close();
        collector.close();
        assertEquals(Ended.Interrupted.INSTANCE, sync.get(20, TimeUnit.SECONDS).getEnded());
        assertEquals(0, openFiles());
        assertThrows(PannierException.Closing.class, () -> collector.record(completed));
        assertThrows(PannierException.Closing.class, collector::status);
        assertThrows(PannierException.Closing.class, upstream::status);
        collector.interrupt();
        collector.setNetwork(true);
        subscription.cancel();
        subscription.close();
        subscription.cancel();
        answers.countDown();
    }

    @Test
    void anInvalidStatementIsAnExceptionWithItsFaults() throws Exception {
        try (BlockingCollector collector =
                BlockingCollector.open(
                        folder.resolve("queue.db").toString(), config(null), null, null)) {
            PannierException.Invalid invalid =
                    assertThrows(
                            PannierException.Invalid.class, () -> collector.recordJson("{}"));
            assertTrue(invalid.getFaults().size() >= 3);
        }
    }

    @Test
    void aLoggerIsALambda() throws Exception {
        LinkedBlockingQueue<LogEntry> heard = new LinkedBlockingQueue<>();
        Transport refusing =
                request ->
                        new Response(
                                401,
                                List.of(new Header("X-Experience-API-Version", "2.0.0")),
                                new byte[0],
                                false);
        Collector.setLogger(LogLevel.WARN, heard::add);
        try (BlockingCollector collector =
                BlockingCollector.open(
                        folder.resolve("queue.db").toString(),
                        config("https://lrs.example/xAPI"),
                        refusing,
                        null)) {
            collector.record(new StatementBuilder().actor(Statements.mbox("ada@example.com")).completed(LESSON).build());
            collector.sync(null);
            LogEntry entry = heard.poll(60, TimeUnit.SECONDS);
            assertEquals(LogLevel.WARN, entry.getLevel());
            assertEquals("credentials", entry.getFields().get("problem"));
        } finally {
            Collector.setLogger(LogLevel.OFF);
        }
    }

    @Test
    void theCommonestStatementsAreALineEach() throws Exception {
        Ifi ada = Statements.mbox("ada@example.com");
        Statement completed = new StatementBuilder().actor(ada).completed(LESSON).build();
        assertEquals(Verbs.COMPLETED, completed.getVerb());
        assertEquals(LESSON, ((StatementObject.Activity) completed.getObject()).getActivity().getId());
        assertEquals(true, completed.getResult().getCompletion());

        Statement answered =
                new StatementBuilder()
                        .actor(ada)
                        .answered("https://example.com/words/zug", "train", q -> q.name("de", "Zug"))
                        .result(r -> r.setSuccess(true))
                        .context(c -> c.parent("https://example.com/quiz"))
                        .build();
        assertEquals("train", answered.getResult().getResponse());
        assertEquals(true, answered.getResult().getSuccess());

        UUID session = UUID.randomUUID();
        Duration length = Duration.ofMinutes(3);
        List<Statement> all =
                List.of(
                        completed,
                        answered,
                        new StatementBuilder().actor(ada).progressed(LESSON, 40).build(),
                        new StatementBuilder().actor(ada).attended(LESSON).build(),
                        new StatementBuilder().actor(ada).videoPlayed(LESSON, session, length, Duration.ZERO).build(),
                        new StatementBuilder().actor(ada).videoPaused(LESSON, session, length, length).build(),
                        new StatementBuilder().actor(ada).videoCompleted(LESSON, session, length).build());
        try (BlockingCollector collector = BlockingCollector.open(folder.resolve("queue.db").toString(), new Config(), null, null)) {
            assertEquals(all.size(), collector.recordAll(all).size());
        }
    }
}
