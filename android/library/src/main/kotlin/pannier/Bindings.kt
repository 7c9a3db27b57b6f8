package pannier

import com.sun.jna.Callback
import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native
import com.sun.jna.Structure
import java.nio.charset.CharacterCodingException

// What the bindings call in the place of uniffi's own: `bindings/bindgen/src/kotlin/runtime.rs` says where.

/** Makes bytes of what may be no text, which Rust does not know: what it throws is a [PannierException] all the same. */
internal inline fun <T> asText(encode: () -> T): T = try {
    encode()
} catch (_: CharacterCodingException) {
    throw halfACharacter()
}

/** What a text that was cut in the middle of an emoji is, which never gets to the core. */
internal fun halfACharacter(): PannierException {
    val fault = Fault(
        path = "$",
        problem = "holds half of a surrogate pair",
        expected = "whole characters: both halves or none",
        section = "Pannier limit",
    )
    return PannierException.Invalid(
        listOf(fault), 0uL, Warnings(emptyList(), 0uL), "a text ${fault.problem}; give ${fault.expected}",
    )
}

/** A text for people, with a mark in the place of what is no character. */
internal fun legible(text: String): String = text.encodeToByteArray().decodeToString()

/** What whoever calls a closed collector, or something that came from it, is told. */
internal fun closed(): PannierException.Closing = PannierException.Closing("the collector is closed: open it again")

/** Ends a sync under way and closes the file, also while others are in a call, and lets none begin any more. */
internal fun BlockingCollector.end() {
    // Already paused, or called by its own transport: then it ends with the last call.
    runCatching { pause() }
    destroy()
}

/** Has the app's own code called on threads that keep no JVM alive, though it may never return. */
internal fun callOnDaemons(vtable: Structure) {
    val callbacks = vtable.javaClass.fields.map { it.get(vtable) }.filterIsInstance<Callback>()
    callbacks.forEach { Native.setCallbackThreadInitializer(it, CallbackThreadInitializer(true)) }
}
