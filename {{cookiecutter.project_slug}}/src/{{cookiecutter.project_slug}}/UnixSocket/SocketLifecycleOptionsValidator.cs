using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>Refuses, when the host starts, a drain that would end at once or be cut off by the host.</summary>
internal sealed class SocketLifecycleOptionsValidator(IOptions<HostOptions> host)
    : IValidateOptions<SocketLifecycleOptions>
{
    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, SocketLifecycleOptions options)
    {
        var shutdown = host.Value.ShutdownTimeout;
        return options.DrainTimeout > TimeSpan.Zero && options.DrainTimeout <= shutdown
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(
                $"Socket:DrainTimeout is {options.DrainTimeout}, and must be more than zero and at most the host's "
                + $"shutdown timeout of {shutdown} (shutdownTimeoutSeconds).");
    }
}
