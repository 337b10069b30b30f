using UnixSocket;

var builder = WebApplication.{% if cookiecutter.__native_aot %}CreateSlimBuilder{% else %}CreateBuilder{% endif %}(args);

// appsettings.json names the socket. In Development it is empty: Kestrel then listens where launchSettings.json says.
if (builder.Configuration["Socket:Path"] is { Length: > 0 } path)
{
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path));
}

builder.AddUnixSocketDefaults();
{%- if cookiecutter.__native_aot %}
builder.Services.ConfigureHttpJsonOptions(options =>
    options.SerializerOptions.TypeInfoResolverChain.Insert(0, AppJsonContext.Default));
// The slim builder sets a format of its own; appsettings.json says which.
builder.Logging.AddConsole(
    console => console.FormatterName = builder.Configuration["Logging:Console:FormatterName"]);
{%- endif %}

var app = builder.Build();

app.MapGet("/", () => "Hello World!");

app.Run();
