package pannier

import java.nio.charset.CharacterCodingException

/** Makes a call whose texts may be no texts, which Rust does not know: what it throws is a [PannierException] all the same. */
internal inline fun <T> asCalled(work: () -> T): T = try {
    work()
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
