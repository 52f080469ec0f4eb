using Hanbae.Api;
using Hanbae.Api.Certificates.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Certificate signing requests: they are made in the name of who asks, and approving them and issuing certificates are two rights.</summary>
public sealed class SigningStrategy() : Strategy(CertificateSigningRequest.Info)
{
    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var csr = (CertificateSigningRequest)base.PrepareForCreate(obj, context);
        return csr with
        {
            Spec = csr.Spec with { Username = context.User.Name, Uid = context.User.Uid, Groups = context.User.Groups, Extra = context.User.Extra },
        };
    }

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var (csr, was) = ((CertificateSigningRequest)obj, (CertificateSigningRequest)old);
        csr = csr with { Spec = was.Spec, Metadata = csr.Metadata with { Generation = was.Metadata.Generation } };
        return context.Subresource switch
        {
            "approval" => csr with { Status = was.Status with { Conditions = Timed(csr.Status.Conditions, was.Status.Conditions, context.Now) } },
            "status" => csr with { Status = csr.Status with { Conditions = Timed(Unapproved(csr.Status.Conditions, was.Status.Conditions), was.Status.Conditions, context.Now) } },
            _ => csr with { Status = was.Status },
        };
    }

    /// <summary>Who issues may say that it failed, and all else; what was approved stays as it was. More or fewer of these than before are left for validation to refuse.</summary>
    static Seq<CertificateSigningRequestCondition> Unapproved(Seq<CertificateSigningRequestCondition> now, Seq<CertificateSigningRequestCondition> was)
    {
        foreach (string type in (ReadOnlySpan<string>)["Approved", "Denied"])
        {
            var old = was.Where(c => c.Type == type).ToList();
            if (now.Count(c => c.Type == type) != old.Count) continue;
            int next = 0;
            now = [.. now.Select(c => c.Type == type ? old[next++] : c)];
        }
        return now;
    }

    static Seq<CertificateSigningRequestCondition> Timed(Seq<CertificateSigningRequestCondition> now, Seq<CertificateSigningRequestCondition> was, DateTimeOffset at)
    {
        for (int i = 0; i < now.Count; i++)
        {
            var c = now[i];
            var before = was.Find(w => w.Type == c.Type);
            now = now.SetAt(i, c with
            {
                LastUpdateTime = c.LastUpdateTime ?? at, LastTransitionTime = c.LastTransitionTime ?? (before is not null && before.Status == c.Status ? before.LastTransitionTime ?? at : at),
            });
        }
        return now;
    }

    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.signerName"];
    public override string Field(IObject obj, string name) => name == "spec.signerName" ? ((CertificateSigningRequest)obj).Spec.SignerName : base.Field(obj, name);
}
