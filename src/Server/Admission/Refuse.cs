using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission;

/// <summary>How plugins say no: upstream's admission.NewForbidden.</summary>
static class Refuse
{
    public static StatusException Because(AdmissionRequest request, string why)
    {
        var meta = (request.Object as Api.IObject)?.Metadata;
        string name = request.Name.Length > 0 ? request.Name : meta?.Name is { Length: > 0 } own ? own : meta?.GenerateName ?? "";
        return Statuses.Forbidden(request.Resource.GroupResource, name, why);
    }
}
