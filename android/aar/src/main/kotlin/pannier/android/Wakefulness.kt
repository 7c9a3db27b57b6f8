package pannier.android

import android.app.Activity
import android.app.Application
import android.os.Bundle

/**
 * Whether anybody needs the collector awake: an activity on the screen, or a job that syncs. Tells
 * [change] whenever the answer changes, in order.
 *
 * [visible]: there may be an activity on the screen that started before this was made. It is known
 * by its first sign of life, which comes before that of the next one.
 */
internal class Wakefulness(visible: Boolean, private val change: (awake: Boolean) -> Unit) {
    private val started = mutableSetOf<Any>()
    private var unknown = visible
    private var jobs = 0
    private var awake = false

    /** Tells whether anybody needs it now: nothing is told before. */
    @Synchronized
    fun begin() = weigh()

    /** Tells it to who has come awake since, and is not needed. */
    @Synchronized
    fun tellIfAsleep() {
        if (!awake) change(false)
    }

    /** It has started, or shows that it had. */
    @Synchronized
    fun activityStarted(activity: Any) {
        unknown = false
        started += activity
        weigh()
    }

    /** [forgood]: not to start again in a moment, turned to the side. */
    @Synchronized
    fun activityStopped(activity: Any, forgood: Boolean) {
        unknown = false
        started -= activity
        if (forgood) weigh()
    }

    @Synchronized
    fun jobStarted() {
        jobs++
        weigh()
    }

    @Synchronized
    fun jobEnded() {
        jobs--
        weigh()
    }

    private fun weigh() {
        val needed = started.isNotEmpty() || unknown || jobs > 0
        if (needed != awake) change(needed)
        awake = needed
    }
}

/** Tells [wakefulness] of all activities of the app. */
internal class Activities(private val wakefulness: Wakefulness) : Application.ActivityLifecycleCallbacks {
    override fun onActivityStarted(activity: Activity) = wakefulness.activityStarted(activity)

    override fun onActivityStopped(activity: Activity) =
        wakefulness.activityStopped(activity, forgood = !activity.isChangingConfigurations)

    override fun onActivityCreated(activity: Activity, savedInstanceState: Bundle?) = Unit

    override fun onActivityResumed(activity: Activity) = wakefulness.activityStarted(activity)

    override fun onActivityPaused(activity: Activity) = wakefulness.activityStarted(activity)

    override fun onActivitySaveInstanceState(activity: Activity, outState: Bundle) = Unit

    override fun onActivityDestroyed(activity: Activity) = Unit
}
