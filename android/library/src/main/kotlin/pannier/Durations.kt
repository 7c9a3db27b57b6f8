package pannier

import kotlin.time.Duration
import kotlin.time.toJavaDuration

// Kotlin's own durations wherever Java's are taken: `1.minutes`. [ResultBuilder.took] is another one.

/** By itself: when [count] statements are queued, or when the oldest has waited for [age]. */
public operator fun SyncPolicy.Automatic.Companion.invoke(age: Duration, count: Int = SyncPolicy.Automatic().count): SyncPolicy.Automatic =
    SyncPolicy.Automatic(count, age.toJavaDuration())

/** See [Collector.sync]. */
public suspend fun Collector.sync(patience: Duration): SyncReport = sync(patience.toJavaDuration())

/** See [Upstream.sync]. */
public suspend fun Upstream.sync(patience: Duration): SyncReport = sync(patience.toJavaDuration())
