package sottovoce

import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Article 1 of the Universal Declaration of Human Rights, begun in some scripts. */
val GREETINGS =
    listOf(
        "All human beings are born free and equal in dignity and rights.",
        "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.",
        "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。",
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। 👩🏽‍🚀",
    )

class ConversationTest {
    @TempDir lateinit var folder: File

    @Test
    fun `a visitor on the JVM and an agent in a terminal talk`() = runBlocking {
        Business(folder).use { business ->
            val visitor = Person.visitor(business)
            val account = visitor.waitsFor { (it as? Event.Account)?.view }
            assertEquals(Level.E2EE, account.entryPoints.single { it.id == "shop" }.level)

            val contact = visitor.starts("shop")
            visitor.says(contact, "Is anybody there?")
            visitor.sees("Is anybody there?", MessageState.Sent)
            business.ada.says("waits")
            business.ada.types("/claim 1")
            business.ada.says("Is anybody there?")
            val joined =
                visitor.item { item ->
                    val body = item.body as? ItemBody.System
                    item.author.takeIf { body?.event is SystemEvent.Joined }
                }
            assertEquals(Pair("Ada", Role.AGENT), Pair(joined.name, joined.role))

            for (greeting in GREETINGS) {
                business.ada.types(greeting)
                assertEquals(joined.device, visitor.hears(greeting).device)
                visitor.says(contact, greeting)
                business.ada.says(greeting)
                visitor.sees(greeting, MessageState.Delivered)
            }

            business.ada.types("/close")
            val closed = visitor.contact { it.state == ContactState.CLOSED }
            assertEquals(contact, closed.contact)
            visitor.client.stop()
            while (visitor.client.nextEvent() != null) Unit
        }
    }

    @Test
    fun `a visitor comes back as who it was`() = runBlocking {
        Business(folder).use { business ->
            val path = folder.resolve("visitor").path
            val state = StateStore.Folder(path, StorageKey.Passphrase("correct horse"))
            val visitor = Person.visitor(business, state)
            val contact = visitor.starts("shop")
            visitor.says(contact, "I will be back.")
            visitor.sees("I will be back.", MessageState.Sent)
            visitor.client.stop()

            val wrong = StateStore.Folder(path, StorageKey.Passphrase("battery staple"))
            assertEquals("passphrase-wrong", failure { Person.visitor(business, wrong) })

            val again = Person.visitor(business, state)
            assertEquals(visitor.client.device(), again.client.device())
            assertEquals(listOf(contact), again.client.contacts())
            again.client.command(Command.Open(contact))
            again.item { (it.body as? ItemBody.Text)?.takeIf { text -> text.text == "I will be back." } }
            again.client.stop()
        }
    }

    @Test
    fun `a device comes back with the key of a keystore and starts afresh with another`() = runBlocking {
        val path = folder.resolve("device").path
        suspend fun open(key: ByteArray): Client {
            val state = StateStore.Folder(path, StorageKey.Given(key))
            return Client.open(HostConfig("wss://localhost:1", Pin("A".repeat(43)), Kind.Visitor, state))
        }
        suspend fun deviceOf(key: ByteArray): String {
            val client = open(key)
            client.stop()
            return client.device()
        }
        val key = ByteArray(32) { it.toByte() }
        val device = deviceOf(key)
        assertEquals(device, deviceOf(key))
        assertNotEquals(device, deviceOf(ByteArray(32) { 1 }))
        assertEquals("malformed", failure { open(ByteArray(31)) })
    }

    @Test
    fun `an administrator on the JVM changes the settings and lets itself in`() = runBlocking {
        Business(folder).use { business ->
            val kind = Kind.Staff("Carla", null)
            val config = HostConfig(business.url, Pin(business.account), kind, StateStore.Memory)
            val carla = Person(Client.open(config))
            val request = carla.waitsFor { (it as? Event.Unapproved)?.request }
            carla.client.command(Command.ChangePolicy(listOf("retention.days=30")))
            val refused = carla.waitsFor { it as? Event.NotAdministered }
            assertEquals("role-not-allowed", refused.code)

            business.administers("account", "administrator", "add", request)
            business.administers("policy", "publish", "--relay", business.url)
            val before = carla.waitsFor { (it as? Event.Settings)?.view }
            assertEquals(true, before.administrator)
            carla.client.command(Command.ChangePolicy(listOf("retention.days=30")))
            val after = carla.waitsFor { (it as? Event.Settings)?.view }
            assertEquals(Pair(before.version + 1u, 30uL), Pair(after.version, after.retention.days))
            assertEquals(Signature.POLICY, carla.waitsFor { (it as? Event.Administered)?.what })

            val approval = Approval("carla", null, Role.SUPERVISOR, listOf("support"))
            carla.client.command(Command.Approve(request, approval))
            assertEquals(Signature.CREDENTIAL, carla.waitsFor { (it as? Event.Administered)?.what })
            carla.client.stop()
        }
    }

    @Test
    fun `calls that fail say why with a code`() = runBlocking {
        val account = "A".repeat(43)
        fun config(url: String, account: String) =
            HostConfig(url, Pin(account), Kind.Visitor, StateStore.Memory)

        assertEquals(
            "address-unencrypted",
            failure { Client.open(config("ws://chat.example.com", account)) },
        )
        assertEquals("malformed", failure { Client.open(config("wss://localhost:1", "ACME")) })

        val client = Client.open(config("wss://localhost:1", account))
        assertEquals("malformed", failure { client.command(Command.Claim("this one")) })
        client.stop()
        assertEquals("stopped", failure { client.command(Command.Presence(true, null)) })
        while (client.nextEvent() != null) Unit
        assertNull(client.nextEvent())
    }

    /** The code of the exception that this throws. */
    private fun failure(call: suspend () -> Any): String =
        assertThrows(ClientException.Failed::class.java) { runBlocking { call() } }.code
}
