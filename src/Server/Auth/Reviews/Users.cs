using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth.Reviews;

/// <summary>Users as reviews show them.</summary>
static class Users
{
    public static UserInfo Show(Identity user) => new() { Username = user.Name, Uid = user.Uid, Groups = user.Groups, Extra = user.Extra };
}
