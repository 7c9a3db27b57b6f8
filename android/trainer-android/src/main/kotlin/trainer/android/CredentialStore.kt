package trainer.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.AtomicFile
import java.io.ByteArrayOutputStream
import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.File
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.KeyStore
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import pannier.Credentials

/**
 * Credentials for the LRS in a file, sealed with [key]: Pannier itself keeps them in memory only. Not
 * for the main thread.
 */
class CredentialStore(file: File, private val key: () -> SecretKey) {
    private val file = AtomicFile(file)

    fun save(credentials: Credentials.Basic) {
        val plain = ByteArrayOutputStream().also {
            DataOutputStream(it).run {
                writeUTF(credentials.user)
                writeUTF(credentials.password)
            }
        }
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.ENCRYPT_MODE, key()) }
        val sealed = cipher.iv + cipher.doFinal(plain.toByteArray())
        val stream = file.startWrite()
        try {
            stream.write(sealed)
            file.finishWrite(stream)
        } catch (error: IOException) {
            file.failWrite(stream)
            throw error
        }
    }

    /** `null`: there are none, or they were sealed with a key that is gone: the user is asked again. */
    fun load(): Credentials.Basic? = try {
        val sealed = file.readFully()
        val cipher = Cipher.getInstance(CIPHER).apply {
            init(Cipher.DECRYPT_MODE, key(), GCMParameterSpec(TAG_BITS, sealed, 0, IV_BYTES))
        }
        val plain = cipher.doFinal(sealed, IV_BYTES, sealed.size - IV_BYTES)
        DataInputStream(plain.inputStream()).run { Credentials.Basic(readUTF(), readUTF()) }
    } catch (_: IOException) {
        null
    } catch (_: GeneralSecurityException) {
        null
    } catch (_: IllegalArgumentException) {
        // Cut short.
        null
    }

    private companion object {
        const val CIPHER = "AES/GCM/NoPadding"
        const val IV_BYTES = 12
        const val TAG_BITS = 128
    }
}

/** A key that never leaves the device's keystore, made when it is first asked for. */
fun keystoreKey(alias: String): SecretKey {
    val store = KeyStore.getInstance("AndroidKeyStore").apply { load(null) }
    store.getKey(alias, null)?.let { return it as SecretKey }
    val purpose = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
    val wanted = KeyGenParameterSpec.Builder(alias, purpose)
        .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
        .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
        .build()
    return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, "AndroidKeyStore").run {
        init(wanted)
        generateKey()
    }
}
