using System.Net.Sockets;

namespace UnixSocket;

/// <summary>The app cannot serve its socket. The message says in one line what to do.</summary>
public sealed class SocketUnavailableException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, and what to do.</param>
    /// <param name="innerException">What the system said, if it did.</param>
    public SocketUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>Returns the message alone.</summary>
    /// <returns>One line.</returns>
    /// <remarks>The host logs it as it stops. The cause is the socket's directory, which no stack trace shows.</remarks>
    public override string ToString() => Message;

    /// <summary>Tells whether an exception comes from the socket's directory, and not from this code.</summary>
    /// <param name="e">Any exception.</param>
    internal static bool IsCause(Exception e) => e is IOException or UnauthorizedAccessException or SocketException;

    /// <summary>Explains an exception of the file system or the socket.</summary>
    /// <param name="publicPath">The socket's path, as the proxy knows it.</param>
    /// <param name="e">One for which <see cref="IsCause"/> is true.</param>
    /// <returns>An exception whose message says what to do.</returns>
    internal static SocketUnavailableException From(string publicPath, Exception e)
    {
        var directory = Path.GetDirectoryName(publicPath);
        var message = e switch
        {
            DirectoryNotFoundException =>
                $"{directory} does not exist: create it, or mount the socket's volume there (compose.yaml, volumes).",
            UnauthorizedAccessException or SocketException { SocketErrorCode: SocketError.AccessDenied } =>
                $"{directory} is not writable for the user {Environment.UserName}: make that user its owner "
                + "(compose.yaml: the volume's uid, gid and mode; after a change of them, remove the volume once: "
                + "`docker compose down`, then `docker volume rm NAME_socket`).",
            IOException { HResult: SystemError.NoSpace } =>
                $"{directory} is full: remove what does not belong there, or enlarge the volume (compose.yaml).",
            IOException { HResult: SystemError.ReadOnlyFileSystem } =>
                $"{directory} is read-only: the app needs to write there (compose.yaml, services: app: volumes).",
            SocketException { SocketErrorCode: SocketError.SocketError } => // what .NET has no name for, such as ENOSPC
                $"Cannot bind {publicPath}. Is {directory} full?",
            SocketException => $"Cannot bind {publicPath}: {e.Message}.",
            _ => e.Message,
        };
        return new SocketUnavailableException(message, e);
    }
}
