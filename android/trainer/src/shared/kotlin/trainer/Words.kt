package trainer

import java.time.Duration
import pannier.InteractionType
import pannier.Statement
import pannier.account
import pannier.statement

/** A word to practise. */
data class Word(val german: String, val english: String) {
    fun isRight(answer: String): Boolean = answer.trim().equals(english, ignoreCase = true)
}

val WORDS = listOf(Word("der Zug", "train"), Word("der Bahnhof", "station"), Word("die Fahrkarte", "ticket"))

/** That the learner was asked for a word, and answered so. */
fun answered(word: Word, answer: String, took: Duration): Statement = statement {
    actor(account("https://example.com/trainer", "learner-1"))
    answered("https://example.com/words/${word.german.substringAfter(' ').lowercase()}", answer) {
        name("de", word.german)
        interaction = InteractionType.FILL_IN
        correctResponses = listOf(word.english)
    }
    result { success = word.isRight(answer); duration = took }
    context { language = "de" }
}
