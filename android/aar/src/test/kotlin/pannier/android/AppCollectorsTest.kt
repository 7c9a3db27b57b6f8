package pannier.android

import android.app.Application
import android.app.job.JobParameters
import android.content.Context
import android.os.Bundle
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config as On
import org.robolectric.shadow.api.Shadow
import pannier.Config
import pannier.LRS
import pannier.lesson
import pannier.memoryLrs

/** An app that declares its collector and makes it when it is needed. */
class DeclaringApp : Application() {
    val pannier by appCollector(backgroundSync = BackgroundSync(), transport = memoryLrs()) { Config(endpoint = LRS) }
}

/** As an app without a class of its own for the application has it. */
class Factory : AppCollectorFactory {
    override fun create(context: Context): AppCollector {
        made++
        return AppCollector(context, Config(endpoint = LRS), transport = memoryLrs())
    }

    companion object {
        var made = 0
    }
}

/** How the app's collector is found where no activity has made it, as in a job that the system has started the app for. */
@RunWith(RobolectricTestRunner::class)
class AppCollectorsTest {
    private val app: Application = RuntimeEnvironment.getApplication()

    @After
    fun close() {
        runCatching { AppCollector.of(app).close() }
    }

    private fun runJob(): Boolean {
        val service = Robolectric.buildService(SyncJobService::class.java).create().get()
        val runs = service.onStartJob(Shadow.newInstanceOf(JobParameters::class.java))
        if (runs) runBlocking { eventually("the job ends") { shadowOf(service).isJobFinished } }
        return runs
    }

    private fun named(factory: String?) {
        shadowOf(app.packageManager).getInternalMutablePackageInfo(app.packageName).applicationInfo!!.metaData =
            Bundle().apply { putString("pannier.android.AppCollectorFactory", factory) }
    }

    @Test
    @On(application = DeclaringApp::class)
    fun `the one that an application declares is made by whoever needs it first`() = runBlocking<Unit> {
        assertTrue(runJob())
        val declared = (app as DeclaringApp).pannier
        assertSame(declared, AppCollector.of(app))
        declared.record(lesson(1))
        assertTrue(runJob())
        assertEquals(1, declared.collector().readStatus().delivered)
    }

    @Test
    fun `the factory that the manifest names makes it once`() = runBlocking<Unit> {
        named(Factory::class.java.name)
        Factory.made = 0
        assertTrue(runJob())
        assertSame(AppCollector.of(app), AppCollector.of(app))
        assertEquals(1, Factory.made)
        AppCollector.of(app).closeAndJoin()
        AppCollector.of(app).record(lesson(1))
        assertEquals("a closed one is made anew", 2, Factory.made)
    }

    @Test
    fun `the one that was made is found`() {
        val made = AppCollector(app)
        assertSame(made, AppCollector.of(app))
        made.close()
    }

    @Test
    fun `after the last one made is closed the one before is found, and after all are it is said`() {
        val (first, second) = List(2) { AppCollector(app) }
        second.close()
        assertSame(first, AppCollector.of(app))
        first.close()
        val told = runCatching { AppCollector.of(app) }.exceptionOrNull()
        assertTrue("$told", told is IllegalStateException && "closed" in told.message!!)
    }

    @Test
    fun `without any it is said what to do, and a job that is left over does nothing`() {
        for (name in listOf(null, "no.such.Factory", "java.lang.String")) {
            named(name)
            val told = runCatching { AppCollector.of(app) }.exceptionOrNull()
            if (name == null) assertTrue("$told", told is IllegalStateException && "appCollector" in told.message!!)
            assertFalse("$name", runJob())
        }
    }
}
