using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Server.Backends;

/// <summary>Where a webhook is, whom to believe there and what to show: a kubeconfig file's current context, as upstream has it.</summary>
sealed record Kubeconfig
{
    public required Uri Server { get; init; }
    public Bytes Authority { get; init; }
    public bool Insecure { get; init; }
    public string ServerName { get; init; } = "";
    public X509Certificate2? Certificate { get; init; }
    public string Token { get; init; } = "";
    public string TokenFile { get; init; } = "";
    public string Basic { get; init; } = "";

    /// <exception cref="FormatException">What is wrong with the file.</exception>
    public static Kubeconfig Read(string file)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        try
        {
            if (YamlReader.Read(File.ReadAllText(file)) is not JsonObject root) throw new FormatException("it is no object");
            var context = Named(root, "contexts", "context", Text(root, "current-context"));
            var cluster = Named(root, "clusters", "cluster", Text(context, "cluster"));
            var user = Text(context, "user") is { Length: > 0 } name ? Named(root, "users", "user", name) : JsonObject.Empty;
            if (!Uri.TryCreate(Text(cluster, "server"), UriKind.Absolute, out var server) || server.Scheme is not ("https" or "http")) throw new FormatException($"server is no URL: {GoQuote.Text(Text(cluster, "server"))}");
            if (user["exec"] is not null || user["auth-provider"] is not null) throw new FormatException("exec and auth-provider plugins are not supported");
            return new()
            {
                Server = server, Authority = Pem(cluster, "certificate-authority", folder) is { } ca ? Bytes.FromText(ca) : default, Insecure = (cluster["insecure-skip-tls-verify"] as JsonBool)?.Value == true,
                ServerName = Text(cluster, "tls-server-name"), Certificate = CertificateOf(user, folder), Token = Text(user, "token"),
                TokenFile = Text(user, "tokenFile") is { Length: > 0 } tokens ? Path.Combine(folder, tokens) : "",
                Basic = Text(user, "username") is { Length: > 0 } login ? System.Convert.ToBase64String(Encoding.UTF8.GetBytes(login + ":" + Text(user, "password"))) : "",
            };
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException or CryptographicException) { throw new FormatException($"{file}: {e.Message}", e); }
    }

    static X509Certificate2? CertificateOf(JsonObject user, string folder)
    {
        if (Pem(user, "client-certificate", folder) is not { } certificate) return null;
        string key = Pem(user, "client-key", folder) ?? throw new FormatException("client-certificate without client-key");
        // By way of PKCS#12, since a key that came as PEM is not shown to servers on every system.
        using var pair = X509Certificate2.CreateFromPem(certificate, key);
        return X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null);
    }

    static JsonObject Named(JsonObject root, string list, string part, string name) =>
        (root[list] as JsonArray)?.Items.OfType<JsonObject>().FirstOrDefault(o => Text(o, "name") == name)?[part] as JsonObject
        ?? throw new FormatException($"{part} {GoQuote.Text(name)} does not exist");

    static string Text(JsonObject at, string name) => (at[name] as JsonString)?.Value ?? "";

    /// <summary>The data, which is preferred, or the file.</summary>
    static string? Pem(JsonObject at, string field, string folder) =>
        Text(at, field + "-data") is { Length: > 0 } data ? Encoding.UTF8.GetString(System.Convert.FromBase64String(data))
        : Text(at, field) is { Length: > 0 } file ? File.ReadAllText(Path.Combine(folder, file)) : null;
}
