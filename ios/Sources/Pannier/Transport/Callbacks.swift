import Dispatch

/// A provider that calls an async function when the LRS refuses the credentials: to sign in again, to
/// refresh a token. `nil` or an error: there are none to be had now.
public final class AsyncCredentialsProvider: CredentialsProvider {
    private let find: @Sendable () async throws -> Credentials?

    public init(_ find: @escaping @Sendable () async throws -> Credentials?) {
        self.find = find
    }

    public func credentials() throws -> Credentials? {
        try waiting(for: find)
    }
}

/// A transport over the app's own HTTP stack; `Transport` says what must be true of it. The function
/// tells by a `TransportError` why there is no answer.
public final class AsyncTransport: Transport {
    private let send: @Sendable (Request) async throws -> Response

    public init(_ exchange: @escaping @Sendable (Request) async throws -> Response) {
        send = exchange
    }

    public func exchange(request: Request) throws -> Response {
        let send = send
        return try waiting { try await send(request) }
    }
}

/// Blocks the thread, which must not be one of Swift's own, until the async work is done.
private func waiting<Value: Sendable>(
    for work: @escaping @Sendable () async throws -> Value
) throws -> Value {
    let (outcome, done) = (Locked<Result<Value, any Error>?>(nil), DispatchSemaphore(value: 0))
    let mark = WithinSync.current
    Task.detached {
        let result: Result<Value, any Error>
        do {
            result = .success(try await WithinSync.$current.withValue(mark) { try await work() })
        } catch {
            result = .failure(error)
        }
        outcome.with { $0 = result }
        done.signal()
    }
    done.wait()
    return try outcome.with { $0 }!.get()
}
