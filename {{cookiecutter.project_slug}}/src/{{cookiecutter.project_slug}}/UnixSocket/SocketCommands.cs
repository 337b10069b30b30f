namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>Commands to a running instance: <c>docker exec ID {{ cookiecutter.__app_command }} COMMAND</c>.</summary>
public static class SocketCommands
{
    /// <summary>Asks the instance that runs in this container for /healthz, over its own socket.</summary>
    /// <returns>The exit code: 0 if it has published itself and answers 200; otherwise 1.</returns>
    /// <remarks>Never over the public path, where another instance may answer for this one.</remarks>
    public static int Health() => Run(static instance =>
    {
        Console.WriteLine($"healthy: {instance.OwnPath}");
        return 0;
    });

    /// <summary>Tells whether the public path leads to the instance that runs in this container.</summary>
    /// <returns>The exit code: 0 if it does and the instance is healthy; otherwise 1.</returns>
    public static int Serves() => Run(static instance =>
    {
        Console.WriteLine($"{instance.PublicPath} leads to {instance.Target ?? "nothing"}; this is {instance.OwnPath}");
        return instance.IsPublished ? 0 : 1;
    });

    /// <summary>Makes the public path lead to the instance in this container, if that one is healthy.</summary>
    /// <returns>The exit code: 0 if the path leads here now; otherwise 1, and nothing has changed.</returns>
    public static int TakeOver() => Run(static instance =>
    {
        using var gate = DirectoryGate.EnterAsync(instance.PublicPath).GetAwaiter().GetResult();
        instance.Publish();
        Console.WriteLine($"{instance.PublicPath} leads to {instance.OwnPath}");
        return 0;
    });

    private static int Run(Func<InstanceNames, int> command)
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
