package pannier.android

import android.app.Application
import android.app.job.JobInfo
import android.content.ContextWrapper
import android.net.NetworkCapabilities
import android.os.Build
import java.time.Duration
import java.time.Instant
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment

/** What the system is asked for. */
@Suppress("DEPRECATION") // networkType
@RunWith(RobolectricTestRunner::class)
class SyncJobTest {
    private val application: Application = RuntimeEnvironment.getApplication()
    private val phone = Phone(application)
    private val now = Instant.parse("2026-02-01T10:00:00Z")

    @Test
    fun `a job outlives a reboot, waits for a network, and is tried again ever later`() {
        SyncJob(application, BackgroundSync(backoff = Duration.ofSeconds(40))).plan(Instant.EPOCH, false, now)
        val job = phone.jobs.single()
        assertEquals(SyncJobService::class.java.name, job.service.className)
        assertEquals(JobInfo.NETWORK_TYPE_ANY, job.networkType)
        assertEquals(JobInfo.BACKOFF_POLICY_EXPONENTIAL to 40_000L, job.backoffPolicy to job.initialBackoffMillis)
        assertTrue(job.isPersisted && !job.isRequireCharging && job.minLatencyMillis == 0L)
    }

    @Test
    fun `unmetered networks and charging can be asked for`() {
        SyncJob(application, BackgroundSync(Networks.UNMETERED, whileCharging = true)).plan(now.plusSeconds(90), false, now)
        val job = phone.jobs.single()
        assertEquals(JobInfo.NETWORK_TYPE_UNMETERED, job.networkType)
        assertTrue(job.isRequireCharging)
        assertEquals(90_000L, job.minLatencyMillis)
    }

    @Test
    fun `networks of a phone that is roaming can be left out`() {
        SyncJob(application, BackgroundSync(Networks.NOT_ROAMING)).plan(Instant.EPOCH, false, now)
        assertEquals(JobInfo.NETWORK_TYPE_NOT_ROAMING, phone.jobs.single().networkType)
    }

    @Test
    fun `a network without the internet can be asked for, where the system can`() {
        for (networks in Networks.entries) {
            SyncJob(application, BackgroundSync(networks, withoutInternet = true)).plan(Instant.EPOCH, false, now)
            if (Build.VERSION.SDK_INT < Build.VERSION_CODES.P) {
                assertTrue(phone.jobs.single().networkType != JobInfo.NETWORK_TYPE_NONE)
                continue
            }
            val wanted = phone.jobs.single().requiredNetwork!!
            assertFalse("$wanted", wanted.hasCapability(NetworkCapabilities.NET_CAPABILITY_VALIDATED))
            assertFalse("$wanted", wanted.hasCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET))
            val unmetered = wanted.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED)
            assertEquals(networks == Networks.UNMETERED, unmetered)
            val notRoaming = wanted.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING)
            assertEquals(networks == Networks.NOT_ROAMING, notRoaming)
        }
    }

    @Test
    fun `what the system throws ends nothing, and the next change asks again`() {
        var broken = true
        val phones = object : ContextWrapper(application) {
            override fun getSystemService(name: String): Any? =
                if (broken) throw SecurityException("not here") else super.getSystemService(name)
        }
        val job = SyncJob(phones, BackgroundSync())
        job.plan(Instant.EPOCH, ended = false, now)
        job.plan(null, ended = false, now)
        assertEquals(emptyList<JobInfo>(), phone.jobs)
        broken = false
        job.plan(Instant.EPOCH, ended = false, now)
        assertEquals(1, phone.jobs.size)
    }

    @Test
    fun `a job that waits is left alone unless it should do something else`() {
        val job = SyncJob(application, BackgroundSync())
        job.plan(Instant.EPOCH, ended = false, now)
        val first = phone.jobs.single()
        job.plan(Instant.EPOCH, ended = false, now.plusSeconds(5))
        assertTrue("it was planned again", phone.jobs.single() === first)
        job.plan(Instant.EPOCH, ended = true, now)
        assertTrue("the one that has ended is still there", phone.jobs.single() !== first)
        job.plan(now.plusSeconds(60), ended = false, now)
        assertEquals(60_000L, phone.jobs.single().minLatencyMillis)
        SyncJob(application, BackgroundSync(Networks.UNMETERED)).plan(now.plusSeconds(60), ended = false, now)
        assertEquals(JobInfo.NETWORK_TYPE_UNMETERED, phone.jobs.single().networkType)
        job.plan(null, ended = false, now)
        assertEquals(emptyList<JobInfo>(), phone.jobs)
    }
}
