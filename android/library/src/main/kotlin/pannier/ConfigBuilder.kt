package pannier

/**
 * A [Config] for Java, which knows neither names of arguments nor their defaults: what is not told here is
 * the default. In Kotlin `Config(endpoint = …)` says the same.
 */
public class ConfigBuilder @JvmOverloads constructor(
    private var endpoint: String? = null,
    private var credentials: Credentials? = null,
) {
    private var config = Config()

    /** The LRS's base URL, without `/statements`. */
    public fun endpoint(endpoint: String?): ConfigBuilder = apply { this.endpoint = endpoint }

    /** Kept in memory only. */
    public fun credentials(credentials: Credentials?): ConfigBuilder = apply { this.credentials = credentials }

    /** What a recorded statement survives. */
    public fun durability(durability: Durability): ConfigBuilder = with { copy(durability = durability) }

    /** The version of the standard whose rules statements must fulfil. */
    public fun rules(version: XapiVersion): ConfigBuilder = with { copy(rules = version) }

    /** The version to speak with the LRS. */
    public fun speak(version: XapiVersion): ConfigBuilder = with { copy(speak = version) }

    /** What every statement says that leaves it open itself. */
    public fun defaults(defaults: StatementDefaults): ConfigBuilder = with { copy(defaults = defaults) }

    /** When statements are sent. */
    public fun sync(policy: SyncPolicy): ConfigBuilder = with { copy(sync = policy) }

    /** Whether the device has a network that an automatic sync may use. */
    public fun network(available: Boolean): ConfigBuilder = with { copy(network = available) }

    /** How long delivered statements stay on the device. */
    public fun history(policy: HistoryPolicy): ConfigBuilder = with { copy(history = policy) }

    /** Most statements in a request. */
    public fun maxStatements(count: Int): ConfigBuilder = with { copy(maxStatements = count) }

    /** Most bytes in a request. */
    public fun maxBytes(bytes: Int): ConfigBuilder = with { copy(maxBytes = bytes) }

    /** Most requests under way at once, from 1 to 4. */
    public fun requestsInFlight(count: Int): ConfigBuilder = with { copy(requestsInFlight = count) }

    /** Sends credentials over `http://`, too. */
    public fun allowCleartext(allow: Boolean): ConfigBuilder = with { copy(allowCleartext = allow) }

    /** The proxy to go through. */
    public fun proxy(url: String): ConfigBuilder = with { copy(proxy = url) }

    /** Goes through the proxies that the environment names. */
    public fun proxiesFromEnvironment(use: Boolean): ConfigBuilder = with { copy(proxiesFromEnvironment = use) }

    /** The credentials may write and not read. */
    public fun writeOnly(only: Boolean): ConfigBuilder = with { copy(writeOnly = only) }

    /** The LRS's clock is right. */
    public fun trustLrsClock(trust: Boolean): ConfigBuilder = with { copy(trustLrsClock = trust) }

    /** Whether a queue is made where there is none. */
    public fun create(create: Boolean): ConfigBuilder = with { copy(create = create) }

    /** Whether this process delivers to `main` without being given an endpoint or credentials for it later. */
    public fun deliverToMain(deliver: Boolean): ConfigBuilder = with { copy(deliverToMain = deliver) }

    /** Root certificates to trust beside the public ones, each PEM or DER. */
    public fun extraRoots(roots: List<ByteArray>): ConfigBuilder = with { copy(extraRoots = roots) }

    /** What was told, and the defaults. */
    public fun build(): Config = config.copy(endpoint = endpoint, credentials = credentials)

    private fun with(change: Config.() -> Config): ConfigBuilder = apply { config = config.change() }
}
