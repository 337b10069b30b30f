namespace UnixSocket;

/// <summary>The commands that ask, or change, the instance that runs beside their process.</summary>
/// <remarks>They use the instance's own socket, never the public path, where another instance may answer.</remarks>
internal static class SocketCommands
{
    /// <summary>Runs the command that a process was started with.</summary>
    /// <param name="arguments">The process's arguments.</param>
    /// <returns>The exit code; null if the arguments are no command.</returns>
    public static int? Run(string[] arguments) => arguments switch
    {
        ["health"] => Health(),
        ["serves"] => Serves(),
        ["take-over"] => TakeOver(),
        _ => null,
    };

    // 0 if the instance has published itself and /healthz answers 200.
    private static int Health() => Run(static instance =>
    {
        Console.WriteLine($"healthy: {instance.OwnPath}");
        return 0;
    });

    // 0 if it is healthy and the public path leads to it.
    private static int Serves() => Run(static instance =>
    {
        Console.WriteLine($"{instance.PublicPath} leads to {instance.Target ?? "nothing"}; this is {instance.OwnPath}");
        return instance.IsPublished ? 0 : 1;
    });

    // 0 if it is healthy and the public path leads to it now; otherwise nothing has changed.
    private static int TakeOver() => Run(static instance =>
    {
        using var directoryLock = DirectoryLock.AcquireAsync(instance.PublicPath).GetAwaiter().GetResult();
        instance.Publish();
        Console.WriteLine($"{instance.PublicPath} leads to {instance.OwnPath}");
        return 0;
    });

    private static int Run(Func<SocketInstance, int> command)
    {
        try
        {
            var instance = InstanceRecord.Read();
            var complaint = instance is null ? "no instance serves here yet" : HealthProbe.Ask(instance.OwnPath);
            if (complaint is null)
            {
                return command(instance!);
            }

            Console.Error.WriteLine($"unhealthy: {complaint}");
        }
        catch (Exception e) when (e is SocketUnavailableException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
        }

        return 1;
    }
}
