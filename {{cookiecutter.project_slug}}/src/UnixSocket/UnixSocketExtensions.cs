using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace UnixSocket;

/// <summary>Prepares an app to be served on a Unix socket, behind a proxy.</summary>
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
/// </remarks>
public static class UnixSocketExtensions
{
    /// <summary>Adds the lifecycle of the one socket that <c>ListenUnixSocket(path)</c> names. Adds, in front of the
    /// app's pipeline, forwarded headers, request ids, an exception handler, clean shutdown and /healthz.</summary>
    /// <typeparam name="TBuilder">The type of the builder.</typeparam>
    /// <param name="builder">The app's builder. Its configuration section "Socket" holds the settings.</param>
    /// <param name="configure">Changes the settings that the configuration gives.</param>
    /// <returns><paramref name="builder"/>, for further calls.</returns>
    /// <exception cref="OptionsValidationException">The host starts with invalid settings.</exception>
    /// <exception cref="SocketUnavailableException">The host starts, and its socket cannot be bound.</exception>
    /// <remarks>
    /// <para>If the process was started with a command of <see cref="UnixSocketOptions.Commands"/>, the call does not
    /// return: it runs the command and ends the process.</para>
    /// <para>A second call changes nothing. Without a Unix socket, and on Windows, only the lifecycle does nothing.</para>
    /// </remarks>
    public static TBuilder AddUnixSocketDefaults<TBuilder>(
        this TBuilder builder, Action<UnixSocketOptions>? configure = null)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.Services.Any(service => service.ServiceType == typeof(InstanceListenerFactory)))
        {
            return builder;
        }

        var section = builder.Configuration.GetSection("Socket");
        var options = new UnixSocketOptions();
        section.Bind(options);
        configure?.Invoke(options);

        if (options.Commands && SocketCommands.Run(Environment.GetCommandLineArgs()[1..]) is { } exitCode)
        {
            Environment.Exit(exitCode);
        }

        if (options.ShortErrors)
        {
            ShortErrors.Enable();
        }

        builder.Services.AddOptions<UnixSocketOptions>()
            .Bind(section)
            .Configure(bound => configure?.Invoke(bound))
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<UnixSocketOptions>, UnixSocketOptionsValidator>();
        AddLifecycle(builder.Services);
        AddPipeline(builder.Services);
        return builder;
    }

    private static void AddLifecycle(IServiceCollection services)
    {
        services.AddSingleton<ConnectionDrain>();
        // Kestrel asks the factories from the last one registered to the first, and takes the first that can bind.
        services.AddSingleton<InstanceListenerFactory>();
        services.AddSingleton<IConnectionListenerFactory>(
            provider => provider.GetRequiredService<InstanceListenerFactory>());
        services.AddHostedService<InstancePublisher>();
    }

    private static void AddPipeline(IServiceCollection services)
    {
        services.AddHealthChecks();
        services.AddProblemDetails();
        services.AddOptions<ForwardedHeadersOptions>().PostConfigure<IOptions<UnixSocketOptions>>((forwarded, options) =>
        {
            if (options.Value.ForwardedHeaders && forwarded.ForwardedHeaders == ForwardedHeaders.None)
            {
                forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            }
        });
        // The first filter is the outermost, before even the one that compares the Host header with AllowedHosts.
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, UnixSocketStartupFilter>());
    }
}
