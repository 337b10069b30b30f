using Microsoft.Extensions.Options;

namespace UnixSocket;

/// <summary>Refuses, when the host starts, a drain that would end at once or be cut off by the host.</summary>
internal sealed class UnixSocketOptionsValidator(IOptions<HostOptions> host) : IValidateOptions<UnixSocketOptions>
{
    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, UnixSocketOptions options)
    {
        var shutdown = host.Value.ShutdownTimeout;
        return options.DrainTimeout > TimeSpan.Zero && options.DrainTimeout <= shutdown
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(
                $"Socket:DrainTimeout is {options.DrainTimeout}, but must be more than zero and at most the host's "
                + $"shutdown timeout of {shutdown} (shutdownTimeoutSeconds).");
    }
}
