import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Carries requests over `URLSession`: for the certificates, proxies and VPNs that the device's owner or
/// their company has set up. Keeps what `Transport` asks for: no redirect is followed, nothing is kept
/// (cookies, caches, credentials), every status is an answer, and the time-out is for the whole.
public final class URLSessionTransport: Transport {
    private let session: URLSession
    private let uploads: Uploads

    /// - Parameter configure: May change the session's configuration, such as `allowsCellularAccess`.
    public convenience init(_ configure: (URLSessionConfiguration) -> Void = { _ in }) {
        let configuration = URLSessionConfiguration.ephemeral
        configure(configuration)
        self.init(configuration, uploads: Uploads(fromFiles: false))
    }

    #if canImport(Darwin)
    /// A session of the system's, which goes on sending while the app is suspended.
    ///
    /// What was sent before the app was suspended arrives all the same. Pannier, which was paused
    /// meanwhile, looks it up when it syncs again: nothing is lost and nothing is stored twice. An app
    /// that the system starts for such a session calls the completion handler that it is given
    /// (`handleEventsForBackgroundURLSession`) and syncs; nothing else is to be done.
    ///
    /// - Parameter identifier: The session's, one for the app's life; such as `com.example.app.pannier`.
    public static func background(
        identifier: String, _ configure: (URLSessionConfiguration) -> Void = { _ in }
    ) -> URLSessionTransport {
        let configuration = URLSessionConfiguration.background(withIdentifier: identifier)
        configuration.sessionSendsLaunchEvents = true
        configure(configuration)
        return URLSessionTransport(configuration, uploads: Uploads(fromFiles: true))
    }
    #endif

    init(_ configuration: URLSessionConfiguration, uploads: Uploads) {
        configuration.httpCookieAcceptPolicy = .never
        configuration.httpShouldSetCookies = false
        configuration.httpCookieStorage = nil
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        self.uploads = uploads
        session = URLSession(configuration: configuration, delegate: uploads, delegateQueue: nil)
    }

    deinit {
        session.finishTasksAndInvalidate()
    }

    public func exchange(request: Request) throws -> Response {
        var sent = URLRequest(url: request.url)
        sent.httpMethod = request.method.name
        sent.timeoutInterval = request.timeout / .seconds(1)
        for header in request.headers { sent.setValue(header.value, forHTTPHeaderField: header.name) }
        return try uploads.exchange(
            sent, body: request.body, longestAnswer: request.longestAnswer, within: request.timeout, by: session
        )
    }
}
