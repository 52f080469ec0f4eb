using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Pki;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary>Another key for Secrets in the store: in front of the old one, then everything is written anew, then the old one goes.</summary>
static class EncryptionKey
{
    static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(500), s_patience = TimeSpan.FromMinutes(1);

    public static async Task<int> RotateAsync(string data, CancellationToken ct)
    {
        var settings = Shared.Settings(data);
        if (settings.Flags.EncryptionConfig is { } file)
            throw new SettingsException($"what is encrypted follows {file}: put a new key in front there, then `kubectl get secrets -A -o json | kubectl replace -f -`, then take the old key out");
        using var transport = Shared.Connect(data);
        var client = new ApiClient(transport, TimeProvider.System);
        // Before anything is changed: without the API server nothing can be written anew.
        await client.ListAsync<Namespace>(ListQuery.All with { Limit = 1 }, ct);
        string path = Path.Combine(data, ClusterPki.Folder, OwnEncryption.FileName);
        var folder = new PkiFolder(Path.Combine(data, ClusterPki.Folder), TimeProvider.System);
        using var alone = await folder.AloneAsync(ct);
        folder.Replace(OwnEncryption.FileName, OwnEncryption.WithAnotherKey(await File.ReadAllTextAsync(path, ct)));
        await TakenOverAsync(client, ct);
        // From here on every write is under the new key; what was there before is written as it is.
        int written = 0;
        await foreach (var secret in client.EachAsync<Secret>(ListQuery.All, ct))
            try { if ((await client.UpdateAsync(secret, ct)).Metadata.ResourceVersion != secret.Metadata.ResourceVersion) written++; }
            // Written by somebody else meanwhile, or gone.
            catch (ApiException e) when (e.IsConflict || e.IsNotFound) { }
        folder.Replace(OwnEncryption.FileName, OwnEncryption.WithNewestKey(await File.ReadAllTextAsync(path, ct)));
        Console.WriteLine($"done; {written} Secrets were encrypted anew");
        return Shared.Ok;
    }

    /// <summary>Waits until the server writes with the new key: it writes an unchanged Secret only when that is under an older one, and tells by the revision.</summary>
    static async Task TakenOverAsync(ApiClient client, CancellationToken ct)
    {
        var probe = await client.CreateAsync(new Secret { Metadata = new() { GenerateName = "hanbae-encryption-key-", Namespace = "kube-system" } }, ct);
        try
        {
            var until = TimeProvider.System.GetUtcNow() + s_patience;
            while ((await client.UpdateAsync(probe, ct)).Metadata.ResourceVersion == probe.Metadata.ResourceVersion)
            {
                if (TimeProvider.System.GetUtcNow() > until)
                    throw new SettingsException("the cluster did not take the new key over within a minute; both keys stay in its encryption.yaml, and nothing is lost: see its log, then try again");
                await Task.Delay(s_glance, ct);
            }
        }
        finally { await client.TryDeleteAsync<Secret>(Api.Key.Of(probe), Api.Meta.V1.DeleteOptions.Empty, CancellationToken.None); }
    }
}
