namespace UnixSocket;

/// <summary>The commands as a program of their own, which starts faster than the app.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (SocketCommands.Run(arguments) is { } exitCode)
        {
            return exitCode;
        }

        Console.Error.WriteLine("usage: dotnet UnixSocket.dll health|serves|take-over");
        return 2;
    }
}
