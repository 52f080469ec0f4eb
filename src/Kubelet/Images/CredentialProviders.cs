using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Stats;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Images;

/// <summary>Asks the node's own programs for logins of image registries, such as those that clouds have (KEP-2133).</summary>
/// <remarks>As upstream, one that fails gives no login and the pull goes on without. Bounds: one question to each program at a time, a minute for it; answers as long as they hold, <see cref="Most"/> at most.</remarks>
sealed class CredentialProviders
{
    const int Most = 1000;
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1), s_token = TimeSpan.FromHours(1);

    readonly (CredentialProvider Provider, SemaphoreSlim Turn)[] _providers;
    readonly string _folder;
    readonly IPodObjects _objects;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Dictionary<string, (DateTimeOffset Until, IReadOnlyList<Credential> Logins)> _kept = [];

    /// <param name="folder">Where the programs are, each by its provider's name.</param>
    /// <exception cref="FormatException">One is not there.</exception>
    public CredentialProviders(IReadOnlyList<CredentialProvider> providers, string folder, IPodObjects objects, TimeProvider time, ILogger log)
    {
        (_folder, _objects, _time, _log) = (folder, objects, time, log);
        if (!Directory.Exists(folder)) throw new FormatException($"plugin binary directory {folder} did not exist");
        if (providers.FirstOrDefault(p => !File.Exists(Path.Combine(folder, p.Name))) is { } gone) throw new FormatException($"plugin binary executable {Path.Combine(folder, gone.Name)} did not exist");
        _providers = [.. providers.Select(p => (p, new SemaphoreSlim(1)))];
    }

    public KubeletFigures? Figures { get; init; }
    /// <summary>Of the configuration, for figures.</summary>
    public string Hash { get; init; } = "";

    sealed record Credential(string Key, string User, string Password);

    /// <returns>Those of the longest matching address first.</returns>
    public async Task<IReadOnlyList<PullLogin>> ForAsync(Pod pod, string image, CancellationToken ct)
    {
        string repository = PullRecords.Repository(image);
        var found = new List<(string Key, PullLogin Login)>();
        foreach (var (provider, turn) in _providers.Where(p => p.Provider.MatchImages.Exists(m => PullSecrets.Matches(m, repository))))
        {
            try
            {
                if (await AskerAsync(pod, provider, ct).ConfigureAwait(false) is not { } asker) continue;
                await turn.WaitAsync(ct).ConfigureAwait(false);
                try
                {
                    var (ns, of) = asker.Name.Length > 0 ? (pod.Metadata.Namespace, LoginOf.Account) : ("", LoginOf.Node);
                    foreach (var c in await LoginsAsync(provider, repository, asker, ct).ConfigureAwait(false))
                        found.Add((c.Key, new(new() { Username = c.User, Password = c.Password }, asker.Uid, ns, asker.Name, of)));
                }
                finally { turn.Release(); }
            }
            catch (Exception e) when (e is FormatException or JsonException or IOException or Win32Exception or ApiException or HttpRequestException or InvalidOperationException && !ct.IsCancellationRequested)
            {
                // What cannot be read may hold the login itself: of that nothing is told.
                _log.NoCredentials(provider.Name, repository, e is JsonException or InvalidOperationException ? "error decoding credential provider plugin response from stdout" : e.Message);
            }
        }
        return [.. found.Where(f => PullSecrets.Matches(f.Key, repository)).OrderByDescending(f => f.Key.Length).Select(f => f.Login)];
    }

    /// <summary>The account by which the Pod may have what others of the same account have pulled; null where no provider goes by accounts.</summary>
    public async Task<PullLogin?> AccountAsync(Pod pod, CancellationToken ct)
    {
        if (pod.Spec.ServiceAccountName.Length == 0 || !_providers.Any(p => p.Provider.Token is not null)) return null;
        try
        {
            return await _objects.ServiceAccountAsync(pod.Metadata.Namespace, pod.Spec.ServiceAccountName, ct).ConfigureAwait(false) is { } account
                ? new(new(), account.Metadata.Uid, pod.Metadata.Namespace, account.Metadata.Name, LoginOf.Account) : null;
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or IOException && !ct.IsCancellationRequested) { return null; } // then the pull finds it out
    }

    /// <summary>For whom a provider is asked; all empty for the node itself.</summary>
    readonly record struct Asker(string Name, string Uid, string Token, Map<string> Annotations);

    /// <returns>Null when the provider is not to be asked for such a Pod.</returns>
    async Task<Asker?> AskerAsync(Pod pod, CredentialProvider provider, CancellationToken ct)
    {
        if (provider.Token is not { } wants) return new Asker("", "", "", default);
        string name = pod.Spec.ServiceAccountName;
        if (name.Length == 0) return wants.Needed ? null : new Asker("", "", "", default);
        var account = await _objects.ServiceAccountAsync(pod.Metadata.Namespace, name, ct).ConfigureAwait(false) ?? throw new FormatException($"serviceaccounts \"{name}\" not found");
        if (!wants.Required.All(k => account.Metadata.Annotations.ContainsKey(k))) return null; // accounts opt in by it
        var told = wants.Required.Concat(wants.Optional).Where(k => account.Metadata.Annotations.ContainsKey(k)).Select(k => KeyValuePair.Create(k, account.Metadata.Annotations[k]!)).ToMap();
        var token = await _objects.TokenAsync(pod, wants.Audience, s_token, ct).ConfigureAwait(false);
        return new Asker(name, account.Metadata.Uid, token.Token, told);
    }

    async Task<IReadOnlyList<Credential>> LoginsAsync(CredentialProvider provider, string repository, Asker asker, CancellationToken ct)
    {
        string whose = string.Join('\0', [provider.Name, asker.Name, asker.Uid, provider.Token?.KeptByToken == true ? Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(asker.Token))) : "",
            .. asker.Annotations.SelectMany(a => (string[])[a.Key, a.Value])]) + "\0\0";
        string registry = repository.Split('/')[0];
        lock (_kept)
            foreach (string key in (ReadOnlySpan<string>)[repository, registry, ""])
                if (_kept.TryGetValue(whose + key, out var entry) && entry.Until >= _time.GetUtcNow()) return entry.Logins;

        var (logins, kind, duration) = await RunAsync(provider, repository, asker, ct).ConfigureAwait(false);
        string under = whose + kind switch { "Image" => repository, "Registry" => registry, "Global" => "", _ => throw new FormatException($"credential provider plugin did not return a valid cacheKeyType: \"{kind}\"") };
        if ((duration ?? provider.CacheDuration) is var holds && holds > TimeSpan.Zero)
            lock (_kept)
            {
                if (_kept.Count >= Most) foreach (string key in _kept.Where(k => k.Value.Until < _time.GetUtcNow()).Select(k => k.Key).ToArray()) _kept.Remove(key);
                if (_kept.Count >= Most) _kept.Clear();
                _kept[under] = (_time.GetUtcNow() + holds, logins);
            }
        return logins;
    }

    async Task<(IReadOnlyList<Credential> Logins, string Kind, TimeSpan? Duration)> RunAsync(CredentialProvider provider, string image, Asker asker, CancellationToken ct)
    {
        var start = new ProcessStartInfo(Path.Combine(_folder, provider.Name), provider.Arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in provider.Environment) start.Environment[name] = value;
        long began = _time.GetTimestamp();
        bool failed = true;
        try
        {
            using var patience = new CancellationTokenSource(s_patience, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
            using var process = Process.Start(start)!;
            string output, error;
            try
            {
                var (reading, complaining) = (process.StandardOutput.ReadToEndAsync(either.Token), process.StandardError.ReadToEndAsync(either.Token));
                try
                {
                    await process.StandardInput.WriteAsync(Question(provider, image, asker).AsMemory(), either.Token).ConfigureAwait(false);
                    process.StandardInput.Close();
                }
                catch (IOException) { } // it did not care to read
                (output, error) = (await reading.ConfigureAwait(false), await complaining.ConfigureAwait(false));
                await process.WaitForExitAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                if (ct.IsCancellationRequested) throw;
                throw new FormatException($"error execing credential provider plugin {provider.Name} for image {image}: context deadline exceeded");
            }
            if (process.ExitCode != 0) throw new FormatException($"error execing credential provider plugin {provider.Name} for image {image}: exit status {process.ExitCode}: {error}");
            failed = false;
            return Answer(provider, output);
        }
        finally
        {
            Figures?.Observe("kubelet_credential_provider_plugin_duration", _time.GetElapsedTime(began), ("plugin_name", provider.Name));
            if (failed) Figures?.Count("kubelet_credential_provider_plugin_errors_total", ("plugin_name", provider.Name));
        }
    }

    static string Question(CredentialProvider provider, string image, Asker asker)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("kind", "CredentialProviderRequest");
            json.WriteString("apiVersion", provider.ApiVersion);
            json.WriteString("image", image);
            if (asker.Token.Length > 0) json.WriteString("serviceAccountToken", asker.Token);
            if (!asker.Annotations.IsEmpty)
            {
                json.WriteStartObject("serviceAccountAnnotations");
                foreach (var (key, value) in asker.Annotations) json.WriteString(key, value);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    static (IReadOnlyList<Credential> Logins, string Kind, TimeSpan? Duration) Answer(CredentialProvider provider, string output)
    {
        using var document = JsonDocument.Parse(output);
        var root = document.RootElement;
        string version = Text(root, "apiVersion");
        if (version != provider.ApiVersion) throw new FormatException($"apiVersion from credential plugin response did not match expected apiVersion:{provider.ApiVersion}, actual apiVersion:{version}");
        if (Text(root, "kind") is not "CredentialProviderResponse" and var kind) throw new FormatException($"failed to decode CredentialProviderResponse, unexpected Kind: \"{kind}\"");
        TimeSpan? duration = Text(root, "cacheDuration") is not { Length: > 0 } given ? null
            : Hanbae.Api.Duration.TryParse(given, out var time) ? time.ToTimeSpan() : throw new FormatException("cacheDuration is no duration");
        List<Credential> logins = [];
        if (root.TryGetProperty("auth", out var auth) && auth.ValueKind == JsonValueKind.Object)
            foreach (var entry in auth.EnumerateObject()) logins.Add(new(PullSecrets.Address(entry.Name), Text(entry.Value, "username"), Text(entry.Value, "password")));
        return (logins, Text(root, "cacheKeyType"), duration);

        static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
    }
}
