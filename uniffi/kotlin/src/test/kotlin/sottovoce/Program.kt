package sottovoce

import java.io.File
import java.io.IOException
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** Longer than anything takes that happens at all, in seconds. */
const val PATIENCE = 60L

/** The command line, running. */
class Program(private vararg val arguments: String) : AutoCloseable {
    private val process =
        ProcessBuilder(System.getProperty("sottovoce.binary"), *arguments)
            .redirectErrorStream(true)
            .start()
    private val lines = LinkedBlockingQueue<String>()
    private val said = StringBuilder()

    init {
        // Whatever becomes of the test, nothing keeps running.
        Runtime.getRuntime().addShutdownHook(thread(start = false) { process.destroyForcibly() })
        thread(isDaemon = true) {
            try {
                process.inputStream.bufferedReader().forEachLine(lines::add)
            } catch (_: IOException) {
                // It was closed.
            }
        }
    }

    /** Types a line. */
    fun types(line: String) {
        process.outputStream.write("$line\n".toByteArray())
        process.outputStream.flush()
    }

    /** Waits for a line in which this is found, and returns its first group or all of it. */
    fun says(pattern: Regex): String {
        val until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE)
        while (true) {
            val line =
                lines.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS)
                    ?: error("${arguments.take(2)} does not say $pattern, but:\n$said")
            said.appendLine(line)
            pattern.find(line)?.let { return it.groupValues.last() }
        }
    }

    /** Waits for a line that contains this. */
    fun says(text: String) {
        says(Regex(Regex.escape(text)))
    }

    /** Waits until it has done its work. */
    fun succeeds() {
        check(process.waitFor(PATIENCE, TimeUnit.SECONDS) && process.exitValue() == 0) {
            "${arguments.take(2)} failed:\n${lines.joinToString("\n")}"
        }
    }

    override fun close() {
        process.destroy()
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor()
        }
    }
}

/** A business with a relay and one agent, Ada, in a terminal. */
class Business(private val folder: File) : AutoCloseable {
    val account: String
    val url: String
    val ada: Program
    private val relay: Program

    init {
        val keys = folder.resolve("account").path
        account =
            Program("account", "create", "--plain-keys", "--name", "ACME", "--dir", keys).use {
                it.says(Regex("^account=(.+)"))
            }
        val database = folder.resolve("relay.sqlite").path
        relay =
            Program("relay", "--listen", "127.0.0.1:0", "--database", database, "--account=$account")
        url = relay.says(Regex("listening on (.+)"))
        Program("policy", "publish", "--dir", keys, "--relay", url).use { it.succeeds() }
        val invitation =
            Program("agent", "invite", "--team", "support", "--name", "Ada", "--dir", keys, "--relay", url)
        invitation.use {
            val code = it.says(Regex("^invite=(.+)"))
            val state = folder.resolve("ada").path
            ada =
                Program(
                    "chat", "agent", "--plain-keys", "--name", "Ada", "--invite=$code",
                    "--account=$account", "--relay", url, "--state", state,
                )
            ada.says("you are Ada")
        }
    }

    /** A command of the administrator that has to succeed. */
    fun administers(vararg line: String) {
        val keys = folder.resolve("account").path
        Program(*line, "--dir", keys).use { it.succeeds() }
    }

    override fun close() {
        ada.close()
        relay.close()
    }
}
