using Microsoft.Extensions.Options;

namespace UnixSocket;

/// <summary>Prints one line, not a stack trace, where the socket cannot be served or options are invalid.</summary>
internal static class ShortErrors
{
    private static int _isEnabled;

    /// <summary>Ends the process with exit code 1 at such an exception, unless something catches it.</summary>
    public static void Enable()
    {
        if (Interlocked.Exchange(ref _isEnabled, 1) == 0)
        {
            AppDomain.CurrentDomain.UnhandledException += (_, failure) => Report(failure.ExceptionObject);
        }
    }

    private static void Report(object exception)
    {
        if (exception is SocketUnavailableException or OptionsValidationException)
        {
            Console.Error.WriteLine(((Exception)exception).Message);
            Environment.Exit(1);
        }
    }
}
