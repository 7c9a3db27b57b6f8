package pannier

import java.io.Closeable
import java.io.IOException
import java.io.OutputStream
import java.io.RandomAccessFile

/** The number of its bytes: what `Content-Length` says. */
public val Body.size: Long
    get() = pieces.sumOf { piece ->
        when (piece) {
            is BodyPiece.Bytes -> piece.bytes.size.toLong()
            is BodyPiece.File -> piece.length
        }
    }

/**
 * Writes its pieces one after the other, a little of a file at a time.
 *
 * Nothing is written where a file cannot be opened or is too short: that is [TransportException.Unreadable].
 *
 * @throws IOException where [output] fails, or a file while it is read.
 */
public fun Body.writeTo(output: OutputStream) {
    OpenBody(this).use { it.writeTo(output) }
}

/** A body whose files are open and long enough, so that nothing is begun that cannot be brought to its end. */
internal class OpenBody(body: Body) : Closeable {
    private val pieces = mutableListOf<Pair<BodyPiece, RandomAccessFile?>>()

    /** The number of its bytes. */
    val size: Long = body.size

    init {
        try {
            for (piece in body.pieces) pieces += piece to (piece as? BodyPiece.File)?.let(::open)
        } catch (error: IOException) {
            close()
            // What it says names the file.
            throw TransportException.Unreadable(error.javaClass.simpleName)
        }
    }

    private fun open(piece: BodyPiece.File): RandomAccessFile {
        val file = RandomAccessFile(piece.path, "r")
        try {
            // The end may lie behind what a number can say.
            if (file.length() - piece.length < piece.offset) throw java.io.EOFException()
            file.seek(piece.offset)
        } catch (error: IOException) {
            file.close()
            throw error
        }
        return file
    }

    fun writeTo(output: OutputStream) {
        for ((piece, file) in pieces) {
            when (piece) {
                is BodyPiece.Bytes -> output.write(piece.bytes)
                is BodyPiece.File -> copy(file!!, piece.length, output)
            }
        }
    }

    private fun copy(file: RandomAccessFile, length: Long, output: OutputStream) {
        val chunk = ByteArray(CHUNK)
        var left = length
        while (left > 0) {
            val read = file.read(chunk, 0, minOf(left, CHUNK.toLong()).toInt())
            if (read < 0) throw IOException("a file of the request has become shorter")
            output.write(chunk, 0, read)
            left -= read
        }
    }

    override fun close() {
        for ((_, file) in pieces) file?.close()
    }

    private companion object {
        const val CHUNK = 64 * 1024
    }
}
