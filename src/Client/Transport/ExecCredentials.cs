using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Client;

/// <summary>Asks a plugin for credentials (KEP-541) and keeps them until they expire or the server no longer takes them.</summary>
sealed class ExecCredentials(ExecPlugin plugin, ClusterConfig cluster, TimeProvider time) : IDisposable
{
    /// <summary>What a plugin said, whole.</summary>
    internal sealed record Credential(string Token, X509Certificate2? Certificate, DateTimeOffset? Expires);

    readonly SemaphoreSlim _one = new(1);
    volatile Credential? _known;

    /// <summary>The certificate of the last answer, for a handshake that is under way.</summary>
    public X509Certificate2? Certificate => _known?.Certificate;

    /// <summary>Credentials that are good now, from the plugin if need be; one call of it at a time.</summary>
    /// <exception cref="ExecPluginException">It gave none.</exception>
    public async ValueTask<Credential> GetAsync(CancellationToken ct)
    {
        if (Good() is { } known) return known;
        await _one.WaitAsync(ct);
        try { return Good() ?? (_known = await RunAsync(ct)); }
        finally { _one.Release(); }
    }

    /// <summary>The server refused these: ask again before the next request.</summary>
    public void Refused(Credential credential) => Interlocked.CompareExchange(ref _known, null, credential);

    Credential? Good() => _known is { } known && (known.Expires is not { } end || time.GetUtcNow() < end) ? known : null;

    async Task<Credential> RunAsync(CancellationToken ct)
    {
        var start = new ProcessStartInfo(plugin.Command) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        bool terminal = plugin.InteractiveMode != "Never" && !Console.IsInputRedirected;
        if (plugin.InteractiveMode == "Always" && !terminal) throw new ExecPluginException($"{plugin.Command} has to ask its user (interactiveMode Always), and there is no terminal");
        start.RedirectStandardInput = !terminal;
        foreach (string argument in plugin.Arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in plugin.Environment) start.Environment[name] = value;
        start.Environment["KUBERNETES_EXEC_INFO"] = Info(terminal).ToString();
        try
        {
            using var process = Process.Start(start)!;
            if (!terminal) process.StandardInput.Close();
            using var stop = ct.Register(static p => End((Process)p!), process);
            var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            string errors = await process.StandardError.ReadToEndAsync(CancellationToken.None);
            string said = await output;
            await process.WaitForExitAsync(CancellationToken.None);
            ct.ThrowIfCancellationRequested();
            if (process.ExitCode != 0) throw new ExecPluginException($"{plugin.Command} failed with exit code {process.ExitCode}: {errors.Trim()}");
            return Read(said);
        }
        catch (Win32Exception e) { throw new ExecPluginException($"{plugin.Command} could not be run: {e.Message}{(plugin.InstallHint.Length > 0 ? "\n" + plugin.InstallHint : "")}", e); }
    }

    static void End(Process process)
    {
        try { process.Kill(entireProcessTree: true); }
        catch (InvalidOperationException) { }
    }

    /// <summary>What the plugin learns of whom it works for.</summary>
    JsonObject Info(bool terminal)
    {
        var spec = JsonObject.Empty.With("interactive", terminal);
        if (plugin.ProvideClusterInfo)
        {
            var about = JsonObject.Empty.With("server", cluster.Server.ToString().TrimEnd('/'));
            if (cluster.TlsServerName.Length > 0) about = about.With("tls-server-name", cluster.TlsServerName);
            if (cluster.Insecure) about = about.With("insecure-skip-tls-verify", true);
            if (!cluster.CertificateAuthority.IsEmpty) about = about.With("certificate-authority-data", Convert.ToBase64String(Encoding.ASCII.GetBytes(cluster.CertificateAuthority.ReadText())));
            if (cluster.Proxy is { } proxy) about = about.With("proxy-url", proxy.ToString());
            spec = spec.With("cluster", about);
        }
        return JsonObject.Empty.With("kind", "ExecCredential").With("apiVersion", plugin.ApiVersion).With("spec", spec);
    }

    Credential Read(string said)
    {
        JsonObject? answer;
        try { answer = JsonValue.Parse(said) as JsonObject; }
        catch (JsonSyntaxException e) { throw new ExecPluginException($"{plugin.Command} answered no JSON: {e.Message}", e); }
        if ((answer?["kind"]).Text() != "ExecCredential" || (answer?["apiVersion"]).Text() != plugin.ApiVersion)
            throw new ExecPluginException($"{plugin.Command} answered {(answer?["apiVersion"]).Text()} {(answer?["kind"]).Text()}, not {plugin.ApiVersion} ExecCredential");
        var status = answer!["status"] as JsonObject;
        string token = (status?["token"]).Text(), certificate = (status?["clientCertificateData"]).Text(), key = (status?["clientKeyData"]).Text(), end = (status?["expirationTimestamp"]).Text();
        if (certificate.Length == 0 != (key.Length == 0)) throw new ExecPluginException($"{plugin.Command} gave a certificate without a key, or a key without a certificate");
        if (token.Length == 0 && certificate.Length == 0) throw new ExecPluginException($"{plugin.Command} gave neither token nor certificate");
        var pair = certificate.Length == 0 ? null : X509Certificate2.CreateFromPem(certificate, key);
        DateTimeOffset? expires = end.Length == 0 ? pair is null ? null : new DateTimeOffset(pair.NotAfter)
            : DateTimeOffset.TryParse(end, CultureInfo.InvariantCulture, out var at) ? at : throw new ExecPluginException($"{plugin.Command}: expirationTimestamp \"{end}\" is no time");
        return new(token, pair, expires);
    }

    public void Dispose() => _one.Dispose();
}

/// <summary>An exec plugin gave no credentials; the message says why and, where the kubeconfig does, how to get the plugin.</summary>
public sealed class ExecPluginException(string message, Exception? inner = null) : Exception(message, inner);
