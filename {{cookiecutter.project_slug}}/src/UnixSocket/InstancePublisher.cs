namespace UnixSocket;

/// <summary>Makes the public path lead to this instance when it is healthy, and keeps it from leading nowhere.</summary>
internal sealed partial class InstancePublisher(
    InstanceListenerFactory factory,
    IHostApplicationLifetime lifetime,
    ILogger<InstancePublisher> logger) : BackgroundService
{
    private static readonly TimeSpan HealthPollInterval = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan PathPollInterval = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // This service is stopped after the server, and the path must be left before.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        try
        {
            await WaitForStartAsync(stopping.Token);
            if (factory.Instance is { } instance)
            {
                await ServeAsync(instance, stopping.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host is stopping.
        }
        catch (SocketUnavailableException e)
        {
            Console.Error.WriteLine(e.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
        catch
        {
            Environment.ExitCode = 1; // the host logs what it is, and stops
            throw;
        }
    }

    private async Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(cancellationToken);
    }

    private async Task ServeAsync(SocketInstance instance, CancellationToken cancellationToken)
    {
        await WaitUntilHealthyAsync(instance, cancellationToken);
        try
        {
            await PublishAsync(instance, isFirst: true, cancellationToken);
        }
        catch (Exception e) when (SocketUnavailableException.IsCause(e))
        {
            throw SocketUnavailableException.From(instance.PublicPath, e);
        }

        // One that took the path over and was killed has left it leading nowhere.
        while (true)
        {
            await Task.Delay(PathPollInterval, cancellationToken);
            try
            {
                if (instance.LeadsNowhere)
                {
                    await PublishAsync(instance, isFirst: false, cancellationToken);
                }
            }
            catch (Exception e) when (e is SocketUnavailableException || SocketUnavailableException.IsCause(e))
            {
                LogNotPublished(e, instance.PublicPath); // the connections that are open are served all the same
            }
        }
    }

    private async Task WaitUntilHealthyAsync(SocketInstance instance, CancellationToken cancellationToken)
    {
        string? reported = null;
        while (await Task.Run(() => HealthProbe.Ask(instance.OwnPath), cancellationToken) is { } complaint)
        {
            if (complaint != reported)
            {
                LogNotHealthy(instance.PublicPath, complaint);
                reported = complaint;
            }

            await Task.Delay(HealthPollInterval, cancellationToken);
        }
    }

    private async Task PublishAsync(SocketInstance instance, bool isFirst, CancellationToken cancellationToken)
    {
        using var directoryLock = await DirectoryLock.AcquireAsync(instance.PublicPath);
        // Under the lock, because a stop withdraws under it: after that, nothing may be recorded or published.
        cancellationToken.ThrowIfCancellationRequested();
        if (isFirst)
        {
            InstanceRecord.Write(instance);
        }

        if (isFirst || instance.LeadsNowhere)
        {
            instance.Publish();
            LogPublished(instance.PublicPath, instance.OwnPath);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{PublicPath} now leads to {OwnPath}")]
    private partial void LogPublished(string publicPath, string ownPath);

    [LoggerMessage(2, LogLevel.Warning, "{PublicPath} stays as it is until this instance is healthy: {Complaint}")]
    private partial void LogNotHealthy(string publicPath, string complaint);

    [LoggerMessage(3, LogLevel.Warning, "{PublicPath} leads nowhere, and publishing failed; trying again in a second")]
    private partial void LogNotPublished(Exception exception, string publicPath);
}
