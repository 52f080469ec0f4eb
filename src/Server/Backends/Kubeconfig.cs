using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Server.Backends;

/// <summary>How the server proves to a webhook who it is.</summary>
sealed record WebhookUser(X509Certificate2? Certificate, string Token, string TokenFile, string Basic)
{
    /// <summary>The token, or the user's name and password. Tokens are read each time from their file, since they are renewed there.</summary>
    public async ValueTask<AuthenticationHeaderValue?> HeaderAsync(CancellationToken ct)
    {
        string token = TokenFile.Length > 0 ? (await File.ReadAllTextAsync(TokenFile, ct).ConfigureAwait(false)).Trim() : Token;
        return token.Length > 0 ? new("Bearer", token) : Basic.Length > 0 ? new("Basic", Basic) : null;
    }
}

/// <summary>Where a webhook is, whom to believe there and what to show: a kubeconfig file's current context, as upstream has it.</summary>
sealed record Kubeconfig
{
    public required Uri Server { get; init; }
    public Bytes Authority { get; init; }
    public bool Insecure { get; init; }
    public string ServerName { get; init; } = "";
    public required WebhookUser User { get; init; }

    /// <exception cref="FormatException">What is wrong with the file.</exception>
    public static Kubeconfig Read(string file)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        try
        {
            if (YamlReader.Read(File.ReadAllText(file)) is not JsonObject root) throw new FormatException("it is no object");
            var context = Named(root, "contexts", "context", root["current-context"].Text());
            var cluster = Named(root, "clusters", "cluster", context["cluster"].Text());
            var user = context["user"].Text() is { Length: > 0 } name ? Named(root, "users", "user", name) : JsonObject.Empty;
            if (!Uri.TryCreate(cluster["server"].Text(), UriKind.Absolute, out var server) || server.Scheme is not ("https" or "http"))
                throw new FormatException($"server is no URL: {GoQuote.Text(cluster["server"].Text())}");
            return new()
            {
                Server = server, Authority = Pem(cluster, "certificate-authority", folder) is { } ca ? Bytes.FromText(ca) : default, Insecure = (cluster["insecure-skip-tls-verify"] as JsonBool)?.Value == true,
                ServerName = cluster["tls-server-name"].Text(), User = UserOf(user, folder),
            };
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException or CryptographicException) { throw new FormatException($"{file}: {e.Message}", e); }
    }

    /// <summary>All users of a file, and the name of its current context's.</summary>
    /// <exception cref="FormatException">What is wrong with the file.</exception>
    public static (IReadOnlyDictionary<string, WebhookUser> Users, string Current) Users(string file)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        try
        {
            if (YamlReader.Read(File.ReadAllText(file)) is not JsonObject root) throw new FormatException("it is no object");
            var users = new Dictionary<string, WebhookUser>(StringComparer.Ordinal);
            foreach (var entry in (root["users"] as JsonArray)?.Items.OfType<JsonObject>() ?? []) users.TryAdd(entry["name"].Text(), UserOf(entry["user"] as JsonObject ?? JsonObject.Empty, folder));
            string current = root["current-context"].Text();
            return (users, current.Length > 0 ? Named(root, "contexts", "context", current)["user"].Text() : "");
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException or CryptographicException) { throw new FormatException($"{file}: {e.Message}", e); }
    }

    static WebhookUser UserOf(JsonObject user, string folder)
    {
        if (user["exec"] is not null || user["auth-provider"] is not null) throw new FormatException("exec and auth-provider plugins are not supported");
        return new(CertificateOf(user, folder), user["token"].Text(), user["tokenFile"].Text() is { Length: > 0 } tokens ? Path.Combine(folder, tokens) : "",
            user["username"].Text() is { Length: > 0 } login ? System.Convert.ToBase64String(Encoding.UTF8.GetBytes(login + ":" + user["password"].Text())) : "");
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
        (root[list] as JsonArray)?.Items.OfType<JsonObject>().FirstOrDefault(o => o["name"].Text() == name)?[part] as JsonObject
        ?? throw new FormatException($"{part} {GoQuote.Text(name)} does not exist");

    /// <summary>The data, which is preferred, or the file.</summary>
    static string? Pem(JsonObject at, string field, string folder) =>
        at[field + "-data"].Text() is { Length: > 0 } data ? Encoding.UTF8.GetString(System.Convert.FromBase64String(data))
        : at[field].Text() is { Length: > 0 } file ? File.ReadAllText(Path.Combine(folder, file)) : null;
}
