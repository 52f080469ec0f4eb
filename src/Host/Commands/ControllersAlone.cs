using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Controllers;
using Hanbae.Host.Settings;
using Hanbae.Server.Auth.Tokens;

namespace Hanbae.Host.Commands;

/// <summary><c>controller-manager</c>: the controllers alone, of a cluster elsewhere; its options are upstream's.</summary>
static class ControllersAlone
{
    static readonly Option<string> s_controllers = new("--controllers") { Description = "* for all, a name for that one, -name for all but it, separated by commas.", DefaultValueFactory = _ => "*" };
    static readonly Option<string?> s_rootCa = new("--root-ca-file") { Description = "Certificates by which Pods trust the API server; without it, none are published." };
    static readonly Option<string?> s_tokenKey = new("--service-account-private-key-file") { Description = "The key that signs tokens in Secrets; without it, none are made." };
    static readonly Option<string?> s_signer = new("--cluster-signing-cert-file") { Description = "The authority that signs approved CertificateSigningRequests." };
    static readonly Option<string?> s_signerKey = new("--cluster-signing-key-file") { Description = "Its key; both are read anew for each request." };
    static readonly Option<string> s_signingDuration = new("--cluster-signing-duration") { Description = "How long certificates last that did not ask for less.", DefaultValueFactory = _ => "8760h0m0s" };
    static readonly Option<string> s_cidr = new("--cluster-cidr") { Description = "What Pods' addresses are taken from; goes with --allocate-node-cidrs.", DefaultValueFactory = _ => "" };
    static readonly Option<bool> s_allocate = new("--allocate-node-cidrs") { Description = "Give each node a part of --cluster-cidr." };
    static readonly Option<string> s_grace = new("--node-monitor-grace-period") { Description = "How long a node may be silent before it counts as unreachable.", DefaultValueFactory = _ => "50s" };
    static readonly Option<int> s_ended = new("--terminated-pod-gc-threshold") { Description = "How many Pods that have ended are kept; 0 for all.", DefaultValueFactory = _ => 12_500 };

    static readonly Option<bool> s_ownAccounts = new("--use-service-account-credentials")
    {
        Description = "Each controller works as a service account of its own in kube-system, rather than all as who --kubeconfig says.",
    };

    public static Command Command()
    {
        var election = new ElectionFlags("kube-controller-manager", port: 10257);
        var command = new Command("controller-manager", "Run the controllers alone, in the foreground, for a cluster elsewhere: Hanbae's or another Kubernetes.")
        {
            s_controllers, s_rootCa, s_tokenKey, s_signer, s_signerKey, s_signingDuration, s_cidr, s_allocate, s_grace, s_ended, s_ownAccounts,
        };
        election.AddTo(command);
        command.SetAction((parsed, ct) => election.RunAsync(parsed, standalone => standalone.ControlAsync(Options(parsed), parsed.GetValue(s_ownAccounts), ct)));
        return command;
    }

    /// <exception cref="SettingsException">Two that belong together do not come together, or a file is not what it should be.</exception>
    static ControllerOptions Options(ParseResult parsed)
    {
        string cidr = parsed.GetValue(s_allocate) ? parsed.GetValue(s_cidr)! : "";
        if (parsed.GetValue(s_allocate) && cidr.Split(',').Any(part => !IPNetwork.TryParse(part, out _))) throw new SettingsException("--allocate-node-cidrs needs --cluster-cidr, a network such as 10.244.0.0/16");
        var (certificate, key) = (parsed.GetValue(s_signer), parsed.GetValue(s_signerKey));
        if (certificate is null != key is null) throw new SettingsException("--cluster-signing-cert-file and --cluster-signing-key-file go together");
        var tokens = parsed.GetValue(s_tokenKey) is { } file ? Read(s_tokenKey, file, TokenKey.FromPem) : null;
        if (certificate is not null) Read(s_signer, certificate, _ => X509Certificate2.CreateFromPemFile(certificate, key)).Dispose();
        try
        {
            return new()
            {
                Run = ControllerChoice.Of(parsed.GetValue(s_controllers)!.Split(',')), ClusterCidr = cidr,
                RootCa = parsed.GetValue(s_rootCa) is { } root ? File.ReadAllText(root) : "",
                SigningAuthority = certificate is null ? null : () => X509Certificate2.CreateFromPemFile(certificate, key), SigningDuration = Flags.Time(parsed, s_signingDuration),
                ServiceAccountToken = tokens is null ? null : (account, secret) => LegacyTokens.Make(tokens, account, secret),
                NodeMonitorGracePeriod = Flags.Time(parsed, s_grace), TerminatedPodThreshold = parsed.GetValue(s_ended),
            };
        }
        catch (FormatException e) { throw new SettingsException("--controllers: " + e.Message, e); }
    }

    static T Read<T>(Option option, string file, Func<string, T> parse)
    {
        try { return parse(File.ReadAllText(file)); }
        catch (Exception e) when (e is ArgumentException or CryptographicException) { throw new SettingsException($"{option.Name} {file}: {e.Message}", e); }
    }
}
