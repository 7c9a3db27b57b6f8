package pannier.android

import android.app.job.JobScheduler
import java.time.Duration

/**
 * Sync while the app is not on the screen, by the system's [JobScheduler]: there is a job exactly
 * while something is undelivered that can be sent. It outlives the app and a reboot, and waits for
 * what this asks for.
 *
 * The system starts the app for it, if need be. So the app's collector has to be found without any activity:
 * [AppCollector.of] says how.
 */
public data class BackgroundSync(
    /** Over which networks. */
    val networks: Networks = Networks.ANY,
    /**
     * Also over a network from which the system has not reached the internet: the LRS may be on that network, as in a
     * workshop or behind a school's firewall. From Android 9 on; before that the system starts no job there.
     */
    val withoutInternet: Boolean = false,
    /** Only while the device is being charged. */
    val whileCharging: Boolean = false,
    /**
     * How soon the system tries again a sync that it stopped, growing twofold each time; at least
     * 10 s. When to try again an LRS that fails is Pannier's own business.
     */
    val backoff: Duration = Duration.ofSeconds(30),
    /** Of the job, among all jobs of the app. */
    val jobId: Int = 0x50414e,
)
