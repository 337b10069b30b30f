using Microsoft.AspNetCore.Connections;

namespace UnixSocket;

/// <summary>Counts an instance's open connections, and waits until there are none.</summary>
internal sealed class ConnectionDrain
{
    // A connection that waits in the socket's queue is not counted yet. One that arrives ends the quiet.
    private static readonly TimeSpan QuietPeriod = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open;
    private long _accepted;

    /// <summary>Creates the drain of an instance without connections.</summary>
    public ConnectionDrain() => _idle.SetResult();

    /// <summary>Counts a connection until it is closed.</summary>
    /// <param name="connection">One that has just been accepted.</param>
    public void Track(ConnectionContext connection)
    {
        lock (_lock)
        {
            _accepted++;
            if (_open++ == 0)
            {
                _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        connection.ConnectionClosed.Register(() =>
        {
            lock (_lock)
            {
                if (--_open == 0)
                {
                    _idle.SetResult();
                }
            }
        });
    }

    /// <summary>Waits until no connection has been open, and none has arrived, for 50 ms.</summary>
    /// <param name="timeout">The longest wait. The connections that are left are closed with the socket.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public async Task WaitAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            for (var before = await WaitUntilIdleAsync(limit.Token); ;)
            {
                await Task.Delay(QuietPeriod, limit.Token);
                var after = await WaitUntilIdleAsync(limit.Token);
                if (after == before)
                {
                    return;
                }

                before = after;
            }
        }
        catch (OperationCanceledException)
        {
            // The connections that are left are closed with the socket.
        }
    }

    // Returns how many connections have been accepted so far.
    private async Task<long> WaitUntilIdleAsync(CancellationToken cancellationToken)
    {
        Task idle;
        lock (_lock)
        {
            idle = _idle.Task;
        }

        await idle.WaitAsync(cancellationToken);
        lock (_lock)
        {
            return _accepted;
        }
    }
}
