package sottovoce

import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.withTimeout

/** Somebody, and what the client tells them. */
class Person(val client: Client) {
    companion object {
        suspend fun visitor(business: Business, state: StateStore = StateStore.Memory) =
            Person(Client.open(HostConfig(business.url, Pin(business.account), Kind.Visitor, state)))
    }

    /** Waits for the first event to come that fits. */
    suspend fun <T : Any> waitsFor(what: (Event) -> T?): T =
        withTimeout(PATIENCE.seconds) {
            var found: T? = null
            while (found == null) {
                val event = checkNotNull(client.nextEvent()) { "the client stopped" }
                check(event !is Event.Failed && event !is Event.Alarm) { event }
                found = what(event)
            }
            found
        }

    suspend fun starts(entryPoint: String): ContactId {
        client.command(Command.Start(entryPoint, null, emptyList()))
        return waitsFor { (it as? Event.Started)?.contact }
    }

    suspend fun says(contact: ContactId, text: String) {
        client.command(Command.Send(contact, "text", text.toByteArray(), null, null))
    }

    /** Waits for a text of somebody else, and returns its author. */
    suspend fun hears(text: String): Author =
        item { item ->
            val body = item.body as? ItemBody.Text
            item.author.takeIf { body?.text == text && it?.own == false }
        }

    /** Waits until an own text got that far. */
    suspend fun sees(text: String, state: MessageState) {
        item { item ->
            val body = item.body as? ItemBody.Text
            item.takeIf { body?.text == text && it.author?.own == true && it.state == state }
        }
    }

    suspend fun <T : Any> item(what: (Item) -> T?): T =
        waitsFor { event -> (event as? Event.Item)?.item?.let(what) }

    suspend fun contact(what: (ContactView) -> Boolean): ContactView =
        waitsFor { event -> (event as? Event.Contact)?.view?.takeIf(what) }
}
