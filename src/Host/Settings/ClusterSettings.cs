using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hanbae.Api;
using Hanbae.Api.Json;

namespace Hanbae.Host.Settings;

/// <summary>What one cluster on this machine was asked to be; kept in its data folder, so that every later command knows.</summary>
public sealed record ClusterSettings
{
    public const string FileName = "cluster.json";

    public required string NodeName { get; init; }
    /// <summary>Where the API server listens; the address also goes into its certificate.</summary>
    public string BindAddress { get; init; } = "0.0.0.0";
    public int ApiPort { get; init; } = 6443;
    public int KubeletPort { get; init; } = 10250;
    /// <summary>Where the proxy tells its health; the first cluster of a host has the port. Empty for nowhere.</summary>
    public string ProxyHealthz { get; init; } = "0.0.0.0:10256";
    /// <summary>Where the proxy tells its mode and figures: to this machine only, as long as nothing else is asked for. Empty for nowhere.</summary>
    public string ProxyMetrics { get; init; } = "127.0.0.1:10249";
    [JsonIgnore] public IPEndPoint? ProxyHealthzAt => ProxyAt("--healthz-bind-address", ProxyHealthz, 10256);
    [JsonIgnore] public IPEndPoint? ProxyMetricsAt => ProxyAt("--metrics-bind-address", ProxyMetrics, 10249);

    /// <param name="port">Where an address comes alone.</param>
    static IPEndPoint? ProxyAt(string option, string text, int port)
    {
        if (text.Length == 0) return null;
        if (!IPEndPoint.TryParse(text, out var at)) throw new SettingsException($"{option} {text} is no address; write it like 0.0.0.0:{port}, or leave it empty for none");
        // Colons are an IPv6 address's own, but for those after its brackets.
        return text.Contains(at.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "]:" : ":", StringComparison.Ordinal) ? at : new(at.Address, port);
    }

    public required string PodCidr { get; init; }
    public required string ServiceCidr { get; init; }
    public string ClusterDomain { get; init; } = "cluster.local";
    /// <summary>A CRI socket that was there already; null for Hanbae's own containerd.</summary>
    public string? RuntimeEndpoint { get; init; }
    public bool ControlPlaneOnly { get; init; }
    public int SimulatedNodes { get; init; }
    /// <summary>A KubeSchedulerConfiguration file, read at each start; null for the defaults.</summary>
    public string? SchedulerConfig { get; init; }

    /// <exception cref="SettingsException">The file cannot be read, or is no such configuration.</exception>
    public Scheduler.Configuration.SchedulerConfiguration Scheduling() => Scheduling(SchedulerConfig, "--scheduler-config");

    /// <param name="file">A KubeSchedulerConfiguration; null for the defaults.</param>
    /// <param name="option">What names it, for messages.</param>
    /// <exception cref="SettingsException">The file cannot be read, or is no such configuration.</exception>
    public static Scheduler.Configuration.SchedulerConfiguration Scheduling(string? file, string option)
    {
        if (file is null) return new();
        try { return Scheduler.Configuration.SchedulerConfiguration.Parse(File.ReadAllText(file)); }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"{option} {file}: {e.Message}", e);
        }
    }

    /// <summary>A KubeletConfiguration file, read at each start; null for the defaults.</summary>
    public string? KubeletConfig { get; init; }

    /// <summary>The kubelet's settings with what the file says in place of what holds without it.</summary>
    /// <param name="folder">Its files <c>*.conf</c>, also those of folders in it, have the last word, one after another by their names.</param>
    /// <param name="flags">Fields that the command line says.</param>
    /// <exception cref="SettingsException">A file cannot be read, or is no such configuration.</exception>
    public static (Kubelet.KubeletOptions Options, Seq<string> Unused) Configured(Kubelet.KubeletOptions options, string? file, string? folder = null, JsonObject? flags = null)
    {
        if (file is null && folder is null && flags is null or { Count: 0 }) return (options, default);
        try
        {
            string[] more = folder is null ? [] : Directory.GetFiles(folder, "*.conf", SearchOption.AllDirectories);
            Array.Sort(more, StringComparer.Ordinal);
            string[] all = file is null ? more : [file, .. more];
            return Kubelet.Configuration.KubeletConfiguration.Read(all.Select(one => (folder is null ? "" : one, File.ReadAllText(one))), options, flags);
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"kubelet configuration {file ?? folder ?? "of the command line"}: {e.Message}", e);
        }
    }

    /// <summary>A CredentialProviderConfig file, or a folder of such, and the folder of the programs that it names; null for none.</summary>
    public string? CredentialConfig { get; init; }
    public string? CredentialPrograms { get; init; }

    /// <summary>Flags of the API server by name; null when none is given.</summary>
    public IReadOnlyDictionary<string, string>? ServerFlags { get; init; }
    /// <summary>For people who look for what the API server was started with; under upstream's names, whatever the cluster calls it.</summary>
    [JsonIgnore] public IReadOnlyDictionary<string, string> ShownFlags => new Dictionary<string, string>(ServerFlags ?? new Dictionary<string, string>())
    {
        ["bind-address"] = BindAddress, ["secure-port"] = ApiPort.ToString(System.Globalization.CultureInfo.InvariantCulture), ["service-cluster-ip-range"] = ServiceCidr,
    };

    /// <summary>What they mean.</summary>
    [JsonIgnore] public ServerFlags Flags => new(ServerFlags ?? new Dictionary<string, string>());

    /// <summary>Manifests for versions that upstream has given up are taken.</summary>
    public bool LegacyApis { get; init; } = true;

    /// <summary>What cannot change once a cluster is made; everything else as by default.</summary>
    [JsonIgnore] public ClusterSettings Lasting => new() { NodeName = NodeName, PodCidr = PodCidr, ServiceCidr = ServiceCidr, ClusterDomain = ClusterDomain };

    /// <summary>The first /24 of the Pods' range: this node's.</summary>
    [JsonIgnore] public string NodePodCidr => $"{IPNetwork.Parse(PodCidr).BaseAddress}/{Math.Max(24, IPNetwork.Parse(PodCidr).PrefixLength)}";
    /// <summary>The Service <c>kubernetes</c>.</summary>
    [JsonIgnore] public IPAddress ApiClusterIp => Nth(ServiceCidr, 1);
    /// <summary>The Service <c>kube-dns</c>: the tenth address, by custom.</summary>
    [JsonIgnore] public IPAddress DnsClusterIp => Nth(ServiceCidr, 10);
    /// <summary>The bridge's address, where Pods reach their node.</summary>
    [JsonIgnore] public IPAddress BridgeAddress => Nth(NodePodCidr, 1);

    static IPAddress Nth(string cidr, uint n)
    {
        byte[] bytes = IPNetwork.Parse(cidr).BaseAddress.GetAddressBytes();
        for (int i = bytes.Length - 1; n > 0 && i >= 0; i--)
        {
            uint sum = bytes[i] + n;
            bytes[i] = (byte)sum;
            n = sum >> 8;
        }
        return new(bytes);
    }

    /// <summary>The settings in a data folder; null when no cluster was ever there.</summary>
    /// <exception cref="SettingsException">They are somebody else's, or damaged.</exception>
    public static ClusterSettings? Load(string dataFolder)
    {
        string file = Path.Combine(dataFolder, FileName);
        if (!File.Exists(file)) return null;
        try { return JsonSerializer.Deserialize(File.ReadAllText(file), SettingsJson.Default.ClusterSettings); }
        catch (UnauthorizedAccessException e)
        {
            throw new SettingsException($"the cluster in {dataFolder} is another user's, root's if it was made with sudo: type the same again with sudo in front", e);
        }
        catch (JsonException e)
        {
            throw new SettingsException($"{file} is damaged ({e.Message}); remove it and run `hanbae up` with the cluster's options again", e);
        }
    }

    public void Save(string dataFolder)
    {
        string file = Path.Combine(dataFolder, FileName);
        // What a control plane is started with is nobody else's to read (CIS 1.1.1).
        File.Delete(file + ".partial");
        using (var partial = new FileStream(file + ".partial", new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            JsonSerializer.Serialize(partial, this, SettingsJson.Default.ClusterSettings);
        File.Move(file + ".partial", file, overwrite: true);
    }
}

/// <summary>An option that cannot be, or a settings file that cannot be read; the message says what to do.</summary>
public sealed class SettingsException(string message, Exception? inner = null) : Exception(message, inner);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClusterSettings))]
sealed partial class SettingsJson : JsonSerializerContext;
