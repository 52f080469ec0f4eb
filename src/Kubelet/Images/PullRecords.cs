using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hanbae.Cri;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Images;

/// <summary>Remembers with which login each image was pulled, so that only Pods that could have pulled it get it (KEP-2535).</summary>
/// <remarks>
/// On disk in upstream's form and place: <c>image_manager/pulling</c> has an intent for each pull that goes on, <c>image_manager/pulled</c> a record for each image.
/// An image without either was not pulled by a kubelet: it is preloaded. Calls for one image never overlap.
/// </remarks>
sealed class PullRecords(KubeletOptions options, TimeProvider time)
{
    public static readonly string[] Policies = ["NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"];
    const int MostSecrets = 100; // of one image, as upstream
    const string Version = "kubelet.config.k8s.io/v1beta1";

    /// <summary>Told of what is decided; null for nobody.</summary>
    public Stats.KubeletFigures? Figures { get; init; }

    readonly string _root = Path.Combine(options.Folders.Data, "image_manager");

    string Pulling(string image) => FileOf("pulling", image);

    string Pulled(string reference) => FileOf("pulled", reference);

    string FileOf(string folder, string name) => Path.Combine(_root, folder, "sha256-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name))));

    /// <summary>Written before a pull: whatever becomes of this process, the image that came of it is not taken for a preloaded one.</summary>
    /// <exception cref="IOException"/>
    public void Begin(string image) => Write(Pulling(image), json =>
    {
        json.WriteString("kind", "ImagePullIntent");
        json.WriteString("apiVersion", Version);
        json.WriteString("image", image);
    });

    /// <exception cref="IOException"/>
    public void Failed(string image) => File.Delete(Pulling(image));

    /// <param name="login">Null when it took none.</param>
    /// <exception cref="IOException"/>
    public void Succeeded(string image, string reference, PullLogin? login)
    {
        var record = Read(reference);
        var all = record.GetValueOrDefault(Repository(image)) ?? new(false, [], []);
        // What anybody may have stays so; the newest logins are kept.
        all = login is null or { Of: LoginOf.Node } ? new(true, [], []) : all.ForAll ? all
            : login.Of == LoginOf.Account ? all with { Accounts = [.. all.Accounts.Where(s => !s.Is(login)).TakeLast(MostSecrets - 1), new(login.Uid, login.Namespace, login.Name, "")] }
            : all with { Secrets = [.. all.Secrets.Where(s => !s.Is(login)).TakeLast(MostSecrets - 1), new(login.Uid, login.Namespace, login.Name, HashOf(login))] };
        record[Repository(image)] = all;
        Write(Pulled(reference), json => Render(json, reference, record));
        File.Delete(Pulling(image));
    }

    /// <summary>Images that are no longer there are forgotten.</summary>
    /// <param name="references">Of those that are.</param>
    public void Prune(IReadOnlySet<string> references)
    {
        string folder = Path.Combine(_root, "pulled");
        if (!Directory.Exists(folder)) return;
        var kept = references.Select(r => Path.GetFileName(Pulled(r))).ToHashSet();
        foreach (string file in Directory.EnumerateFiles(folder))
            // One that was written a moment ago may be of an image that came after the list was made.
            if (!kept.Contains(Path.GetFileName(file)) && time.GetUtcNow() - File.GetLastWriteTimeUtc(file) > TimeSpan.FromMinutes(1)) File.Delete(file);
    }

    /// <summary>Whether a Pod must try to pull an image that is there before it may have it.</summary>
    /// <param name="logins">That the Pod has for it.</param>
    public bool MustPull(string image, string reference, IReadOnlyList<PullLogin> logins)
    {
        string result = Check(image, reference, logins);
        Figures?.Count("kubelet_imagemanager_image_mustpull_checks_total", ("result", result));
        return result == MustAuthenticate;
    }

    const string Allowed = "credentialPolicyAllowed", Found = "credentialRecordFound", MustAuthenticate = "mustAuthenticate";

    string Check(string image, string reference, IReadOnlyList<PullLogin> logins)
    {
        if (options.ImageVerification == "NeverVerify") return Allowed;
        bool known = File.Exists(Pulled(reference));
        bool preloaded = !known && !File.Exists(Pulling(image));
        if (preloaded && (options.ImageVerification == "NeverVerifyPreloadedImages"
            || (options.ImageVerification == "NeverVerifyAllowlistedImages" && options.ImageAllowlist.Exists(p => Allows(p, image))))) return Allowed;
        if (!Read(reference).TryGetValue(Repository(image), out var credentials)) return MustAuthenticate;
        bool found = credentials.ForAll || logins.Any(l => l.Of == LoginOf.Account
            ? credentials.Accounts.Any(a => a.Is(l)) : HashOf(l) is var hash && credentials.Secrets.Any(s => s.Is(l) || s.Hash == hash));
        return found ? Found : MustAuthenticate;
    }

    /// <summary>How many pulls go on or were broken off, and of how many images it is known how they were pulled.</summary>
    public (int Intents, int Records) OnDisk()
    {
        int Of(string folder) => Directory.Exists(Path.Combine(_root, folder)) ? Directory.EnumerateFiles(Path.Combine(_root, folder)).Count() : 0;
        return (Of("pulling"), Of("pulled"));
    }

    /// <summary>A pattern is an image's name without its tag, or <c>prefix/*</c>.</summary>
    static bool Allows(string pattern, string image) =>
        pattern.EndsWith("/*", StringComparison.Ordinal) ? Repository(image).StartsWith(pattern[..^1], StringComparison.Ordinal) : Repository(image) == Repository(pattern);

    /// <summary>Without tag and digest.</summary>
    internal static string Repository(string image)
    {
        string name = ImageName.Normalize(image) ?? image;
        if (name.IndexOf('@') is >= 0 and var at) name = name[..at];
        return name.LastIndexOf(':') is var colon && colon > name.LastIndexOf('/') ? name[..colon] : name;
    }

    static string HashOf(PullLogin login) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Join('\0', login.Login.Username, login.Login.Password, login.Login.Auth, login.Login.ServerAddress, login.Login.IdentityToken, login.Login.RegistryToken))));

    sealed record Credentials(bool ForAll, IReadOnlyList<Source> Secrets, IReadOnlyList<Source> Accounts);

    /// <param name="Hash">Of the login itself; accounts have none.</param>
    sealed record Source(string Uid, string Namespace, string Name, string Hash)
    {
        public bool Is(PullLogin login) => Uid == login.Uid && Namespace == login.Namespace && Name == login.Name;
    }

    /// <summary>By repository; what cannot be read counts as not there, and is then found out anew.</summary>
    Dictionary<string, Credentials> Read(string reference)
    {
        var read = new Dictionary<string, Credentials>();
        try
        {
            if (!File.Exists(Pulled(reference))) return read;
            using var json = JsonDocument.Parse(File.ReadAllBytes(Pulled(reference)));
            foreach (var entry in json.RootElement.GetProperty("credentialMapping").EnumerateObject())
                read[entry.Name] = new(entry.Value.TryGetProperty("nodePodsAccessible", out var all) && all.GetBoolean(), Sources(entry.Value, "kubernetesSecrets"), Sources(entry.Value, "kubernetesServiceAccounts"));
        }
        catch (Exception e) when (e is IOException or JsonException or KeyNotFoundException or InvalidOperationException or UnauthorizedAccessException) { }
        return read;

        static IReadOnlyList<Source> Sources(JsonElement of, string name) => of.TryGetProperty(name, out var all) && all.ValueKind == JsonValueKind.Array
            ? [.. all.EnumerateArray().Select(s => new Source(Text(s, "uid"), Text(s, "namespace"), Text(s, "name"), s.TryGetProperty("credentialHash", out var hash) ? hash.GetString() ?? "" : ""))] : [];

        static string Text(JsonElement of, string name) => of.GetProperty(name).GetString() ?? "";
    }

    void Render(Utf8JsonWriter json, string reference, Dictionary<string, Credentials> record)
    {
        json.WriteString("kind", "ImagePulledRecord");
        json.WriteString("apiVersion", Version);
        json.WriteString("lastUpdatedTime", time.GetUtcNow().ToApi());
        json.WriteString("imageRef", reference);
        json.WriteStartObject("credentialMapping");
        foreach (var (repository, credentials) in record)
        {
            json.WriteStartObject(repository);
            if (credentials.ForAll) json.WriteBoolean("nodePodsAccessible", true);
            else
            {
                Render(json, "kubernetesSecrets", credentials.Secrets);
                Render(json, "kubernetesServiceAccounts", credentials.Accounts);
            }
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    static void Render(Utf8JsonWriter json, string name, IReadOnlyList<Source> sources)
    {
        if (sources.Count == 0) return;
        json.WriteStartArray(name);
        foreach (var source in sources)
        {
            json.WriteStartObject();
            json.WriteString("uid", source.Uid);
            json.WriteString("namespace", source.Namespace);
            json.WriteString("name", source.Name);
            if (source.Hash.Length > 0) json.WriteString("credentialHash", source.Hash);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Write(string file, Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        WholeFile.Write(file, buffer.ToArray());
    }
}
