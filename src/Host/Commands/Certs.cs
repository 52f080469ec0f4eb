using System.CommandLine;
using Hanbae.Host.Pki;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>certs</c>: what certificates a cluster has, and others in their place, in the running cluster too.</summary>
static class Certs
{
    static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(500), s_patience = TimeSpan.FromMinutes(1);

    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var output = new Option<string?>("--output", "-o") { Description = "json, for programs." };
        var command = new Command("certs", "List the cluster's certificates and when they end. A running cluster makes them anew 60 days before.") { output, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(() =>
        {
            Shared.Settings(parsed.GetValue(dataDir)!);
            var rows = CertificateList.Read(Path.Combine(Path.GetFullPath(parsed.GetValue(dataDir)!), ClusterPki.Folder));
            Console.Write(parsed.GetValue(output) switch
            {
                "json" => CertificateList.Json(rows) + "\n",
                null => CertificateList.Table(rows, TimeProvider.System.GetUtcNow()),
                var other => throw new SettingsException($"--output {other} is none; leave it out for a table, or write json"),
            });
            return Task.FromResult(Shared.Ok);
        }));
        command.Subcommands.Add(Rotate());
        command.Subcommands.Add(Retire());
        return command;
    }

    static Command Rotate()
    {
        var dataDir = Shared.DataDir();
        var authority = new Option<bool>("--ca") { Description = "New authorities too. The old ones are believed until they end, or until `hanbae certs retire`; the new ones are vouched for by the old." };
        var key = new Option<bool>("--encryption-key") { Description = "Nothing but a new key for what is encrypted in the store; what is there is encrypted anew, and the old key forgotten." };
        var tokens = new Option<bool>("--service-account-key")
        {
            Description = "Nothing but a new key for tokens of service accounts. Those signed before are believed until `hanbae certs retire --service-account-key`.",
        };
        var command = new Command("rotate", "Make the cluster's certificates anew; a running cluster takes them over at once, and nobody is cut off.") { authority, key, tokens, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            string data = Path.GetFullPath(parsed.GetValue(dataDir)!);
            if (parsed.GetValue(key)) return await EncryptionKey.RotateAsync(data, ct);
            return await ChangeAsync(data, folder =>
            {
                if (parsed.GetValue(tokens)) folder.FollowTokenKey(ClusterPki.TokenKeyName);
                else if (parsed.GetValue(authority)) ClusterPki.Follow(folder);
                else folder.Forget();
                return true;
            }, ct);
        }));
        return command;
    }

    static Command Retire()
    {
        var dataDir = Shared.DataDir();
        var tokens = new Option<bool>("--service-account-key")
        {
            Description = "Nothing but keys of tokens: those signed before the last `rotate --service-account-key` are believed no more. "
                + "Pods have newer ones within an hour; Secrets of type service-account-token get one when their data.token is taken out.",
        };
        var command = new Command("retire", "Believe the newest authorities only. Whoever still has a certificate or kubeconfig from before `rotate --ca` is cut off.") { tokens, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(() => ChangeAsync(
            Path.GetFullPath(parsed.GetValue(dataDir)!),
            folder => parsed.GetValue(tokens) ? folder.RetireTokenKeys(ClusterPki.TokenKeyName) : ClusterPki.Retire(folder), ct)));
        return command;
    }

    /// <param name="change">Says whether it changed anything.</param>
    static async Task<int> ChangeAsync(string data, Func<PkiFolder, bool> change, CancellationToken ct)
    {
        var settings = Shared.Settings(data);
        var folder = new PkiFolder(Path.Combine(data, ClusterPki.Folder), TimeProvider.System);
        ClusterPki now;
        bool changed;
        using (await folder.AloneAsync(ct))
        {
            changed = change(folder);
            now = ClusterPki.Ensure(folder, settings);
        }
        if (!changed) Console.WriteLine("nothing to do: the newest are the only ones");
        else if (ProcessIdentity.Read(NodePaths.Of(data).HanbaeProcess) is not { IsAlive: true }) Console.WriteLine("done; the cluster does not run, and will begin with them");
        else if (await TakenOverAsync(folder, now, ct)) Console.WriteLine($"done; the running cluster has them, and {KubeconfigPath.Of(data)} too");
        else
        {
            Console.Error.WriteLine($"hanbae: the new certificates are on the disk, but the running cluster did not take them over within a minute; see {Path.Combine(data, Up.LogFile)}");
            return Shared.Failed;
        }
        Console.Write(CertificateList.Table(CertificateList.Read(Path.Combine(data, ClusterPki.Folder)), TimeProvider.System.GetUtcNow()));
        return Shared.Ok;
    }

    /// <summary>Waits until the running cluster has what is on the disk.</summary>
    static async Task<bool> TakenOverAsync(PkiFolder folder, ClusterPki now, CancellationToken ct)
    {
        var until = TimeProvider.System.GetUtcNow() + s_patience;
        string file = folder.PathOf(LivePki.TakenOver);
        while (!File.Exists(file) || await File.ReadAllTextAsync(file, ct) != now.Fingerprint)
        {
            if (TimeProvider.System.GetUtcNow() > until) return false;
            await Task.Delay(s_glance, ct);
        }
        return true;
    }
}
