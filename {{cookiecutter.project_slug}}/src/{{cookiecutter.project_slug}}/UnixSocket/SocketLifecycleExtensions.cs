using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>Adds a lifecycle to the Unix socket that Kestrel listens on, so that instances can replace each other.</summary>
/// <remarks>
/// <para>Kestrel alone binds the path and deletes it when it stops: a file that a killed process left blocks the next
/// start, and an old instance that stops late deletes the socket of the new one. Here each instance binds a name of its
/// own beside the path, and the path is a symbolic link to the instance that serves:</para>
/// <list type="number">
/// <item>start: remove what killed instances left, bind and listen on <c>kestrel.sock.1a2b3c4d</c>, mode 0660;</item>
/// <item>when the host has started and this instance's own /healthz answers 200: rename a link to it over the path;
/// </item>
/// <item>from then on: publish again whenever the path leads to no instance that lives;</item>
/// <item>stop: leave the path to another instance that is healthy, or remove it; end each connection with its next
/// response; close the socket when no connection has been open for a moment.</item>
/// </list>
/// <para>To use it in another app, copy this folder, change its namespace, map /healthz so that it answers anybody, and
/// let Program.cs run <see cref="SocketCommands"/> and print a <see cref="SocketUnavailableException"/>.</para>
/// </remarks>
public static class SocketLifecycleExtensions
{
    /// <summary>Applies the lifecycle to the one socket that <c>ListenUnixSocket(path)</c> names.</summary>
    /// <param name="builder">The host. Its configuration section "Socket" holds the settings.</param>
    /// <returns><paramref name="builder"/>, for further calls.</returns>
    /// <exception cref="OptionsValidationException">The host starts with invalid settings.</exception>
    /// <exception cref="SocketUnavailableException">The host starts, and its socket cannot be bound.</exception>
    /// <remarks>A second call changes nothing. On Windows, Kestrel's own behaviour stays.</remarks>
    public static IWebHostBuilder UseSocketLifecycle(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices((context, services) =>
        {
            if (services.Any(service => service.ServiceType == typeof(InstanceListenerFactory)))
            {
                return;
            }

            services.AddOptions<SocketLifecycleOptions>()
                .Bind(context.Configuration.GetSection("Socket"))
                .ValidateOnStart();
            services.AddSingleton<IValidateOptions<SocketLifecycleOptions>, SocketLifecycleOptionsValidator>();
            services.AddSingleton<ConnectionDrain>();
            services.AddSingleton<IStartupFilter, ConnectionCloseFilter>();
            // Kestrel asks the factories from the last one registered to the first, and takes the first that can bind.
            services.AddSingleton<InstanceListenerFactory>();
            services.AddSingleton<IConnectionListenerFactory>(
                provider => provider.GetRequiredService<InstanceListenerFactory>());
            services.AddHostedService<InstancePublisher>();
        });
    }
}
