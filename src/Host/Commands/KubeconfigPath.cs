using System.CommandLine;
using System.Security.Cryptography;
using Hanbae.Client;
using Hanbae.Host.Pki;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>kubeconfig</c>: where the administrator's kubeconfig is, for <c>export KUBECONFIG=$(hanbae kubeconfig)</c>.</summary>
static class KubeconfigPath
{
    public static string Of(string dataDir) => Path.Combine(Path.GetFullPath(dataDir), "kubeconfig");

    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var command = new Command("kubeconfig", "Print the path of the cluster's kubeconfig. One that is gone or damaged is written anew.") { dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            string folder = parsed.GetValue(dataDir)!;
            if (await MendAsync(folder, Shared.Settings(folder), ct)) Console.Error.WriteLine($"{Of(folder)} is written anew");
            // What is printed is taken for the path: who cannot read it is told beside.
            if (Owners.Kubeconfig(folder).ToList() is { Count: > 1 } lines)
                Console.Error.WriteLine("it is root's alone; for kubectl without sudo:\n  " + string.Join("\n  ", lines));
            Console.WriteLine(Of(folder));
            return Shared.Ok;
        }));
        return command;
    }

    /// <summary>What it says.</summary>
    /// <exception cref="SettingsException">It is gone or damaged, or there is no cluster.</exception>
    public static T Read<T>(string dataDir, Func<ClusterConfig, T> take)
    {
        string file = Of(dataDir);
        if (!File.Exists(file)) Shared.Settings(dataDir);
        try { return take(Kubeconfig.Load(file).Resolve()); }
        catch (Exception e) when (e is FileNotFoundException or FormatException or CryptographicException or ArgumentException)
        {
            string what = e is FileNotFoundException ? "gone" : $"damaged ({e.Message})";
            throw new SettingsException($"{file} is {what}; `{Shared.Again("kubeconfig", dataDir)}` writes it anew", e);
        }
    }

    /// <summary>Writes it anew, by the cluster's certificates, where it is gone or damaged.</summary>
    /// <returns>Whether it was.</returns>
    internal static async Task<bool> MendAsync(string dataDir, ClusterSettings settings, CancellationToken ct)
    {
        string certificates = Path.Combine(Path.GetFullPath(dataDir), ClusterPki.Folder);
        // Of a cluster that never was up there is nothing yet.
        if (!Directory.Exists(certificates)) return false;
        try
        {
            Read(dataDir, config => new HttpTransport(config, TimeProvider.System)).Dispose();
            return false;
        }
        catch (SettingsException)
        {
            var folder = new PkiFolder(certificates, TimeProvider.System);
            using var alone = await folder.AloneAsync(ct);
            await KubeconfigWriter.WriteAsync(Of(dataDir), settings.ApiPort, ClusterPki.Ensure(folder, settings), ct);
            return true;
        }
    }
}
